/* SPDX-License-Identifier: Apache-2.0
 * What a kernel reads and writes, in order. Kernels compiled with -fsanitize=thread call these functions at each access;
 * this file stands in for the sanitizer's runtime and keeps, for one input and one output, the distance of access.py. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uintptr_t input_start, input_end, output_start, output_end;
static uint64_t *read_time; /* for each input byte, the time of its last read */
static uint64_t *write_time;
static uint64_t now;

void trace_begin(const void *input, size_t input_bytes, const void *output, size_t output_bytes, uint64_t *reads, uint64_t *writes)
{
    input_start = (uintptr_t)input;
    input_end = input_start + input_bytes;
    output_start = (uintptr_t)output;
    output_end = output_start + output_bytes;
    read_time = reads;
    write_time = writes;
    now = 0;
}

static void reading(const void *address, size_t bytes)
{
    const uintptr_t at = (uintptr_t)address;
    ++now;
    for (size_t i = 0; i < bytes; ++i) {
        if (at + i >= input_start && at + i < input_end) {
            read_time[at + i - input_start] = now;
        }
    }
}

/* The first write of a byte counts: from then on the input below it is gone. */
static void writing(const void *address, size_t bytes)
{
    const uintptr_t at = (uintptr_t)address;
    ++now;
    for (size_t i = 0; i < bytes; ++i) {
        if (at + i >= output_start && at + i < output_end && write_time[at + i - output_start] == 0u) {
            write_time[at + i - output_start] = now;
        }
    }
}

#define ACCESS(n)                                                                                                      \
    void __tsan_read##n(void *a) { reading(a, n); }                                                                    \
    void __tsan_write##n(void *a) { writing(a, n); }                                                                   \
    void __tsan_unaligned_read##n(void *a) { reading(a, n); }                                                          \
    void __tsan_unaligned_write##n(void *a) { writing(a, n); }
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void *a, size_t n) { reading(a, n); }
void __tsan_write_range(void *a, size_t n) { writing(a, n); }
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}
void __tsan_init(void) {}
void *__tsan_memcpy(void *to, const void *from, size_t n)
{
    reading(from, n);
    writing(to, n);
    return memcpy(to, from, n);
}
void *__tsan_memset(void *to, int value, size_t n)
{
    writing(to, n);
    return memset(to, value, n);
}
void *__tsan_memmove(void *to, const void *from, size_t n)
{
    reading(from, n);
    writing(to, n);
    return memmove(to, from, n);
}
