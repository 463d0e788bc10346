/* SPDX-License-Identifier: Apache-2.0
 * Sums of products for cores that multiply one pair at a time: what is loaded into a register serves several products.
 * Weights of four filters lie together: [filters / 4, values of a filter, 4], filters padded with zeros to a multiple of 4. */
#ifndef TINYKD_BLOCKED_H
#define TINYKD_BLOCKED_H

#include <stdint.h>
#include <string.h>

#include "tinykd/compiler.h"

/* Each of these fills the registers; inlined into loops around them they would spill. */
#define TINYKD_NOINLINE __attribute__((noinline, unused))

/* Sums of so many channels lie in memory between products and bytes: [inputs, TINYKD_BLOCKED_CHANNELS]. */
#define TINYKD_BLOCKED_CHANNELS 16

/* How many of the `left` channels come next; their biases are the first sums. */
static inline int32_t tinykd_blocked_begin(const int32_t *bias, int32_t left, int32_t *sums)
{
    const int32_t count = left < TINYKD_BLOCKED_CHANNELS ? left : TINYKD_BLOCKED_CHANNELS;

    for (int32_t k = 0; k < count; ++k) {
        sums[k] = bias[k];
    }
    return count;
}

/* What turns sums into bytes: finish.h has the formula. The tables are the layer's; z = 2 * output_zero_point + 1. */
struct tinykd_blocked_finish {
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t z, low, high;
};

/* `tables` is [channels] biases, then [channels] multipliers, each padded to a multiple of 4, then [channels] shifts of a byte. */
static inline struct tinykd_blocked_finish tinykd_blocked_finish_of(const int32_t *tables, int32_t channels, int32_t z, int32_t low, int32_t high)
{
    const int32_t padded = (channels + 3) & ~3;
    const struct tinykd_blocked_finish f = {tables + padded, (const int8_t *)(tables + 2 * padded), z, low, high};

    return f;
}

/* a >> 1 within -128 to 127. */
static inline int32_t tinykd_blocked_byte_of_half(int32_t a)
{
#if defined(__ARM_FEATURE_SAT) && __ARM_FEATURE_SAT
    int32_t r;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(r) : "r"(a) : "cc");
    return r;
#else
    return a < -256 ? -128 : a > 255 ? 127 : a >> 1;
#endif
}

/* One output. The half and the offset wait in the 64 bits that the product is added to: one instruction where there is SMLAL. */
static inline int32_t tinykd_blocked_byte(int32_t sum, int32_t multiplier, int32_t s1, int32_t offset)
{
    const int64_t start = (int64_t)((uint64_t)(uint32_t)offset << 32 | (uint64_t)1 << 31);
    const int32_t t = (int32_t)((start + (int64_t)(2 * sum) * multiplier) >> 32) + (sum >> 31);

    return tinykd_blocked_byte_of_half(t >> s1);
}

/* Four sums of `count` products of input a, and TINYKD_BLOCKED_CHANNELS further those of input b = a + apart, with four filters;
 * they begin with first[0..3] and second[0..3]. Returns where the weights end.
 * 6 loads for 8 products. That takes 15 registers, one more than there are: GCC keeps some sums in memory (67 instructions for
 * 32 products), so for it the loop is written out (59), with its end in memory. Clang always keeps a frame pointer, and gets C. */
#if defined(__thumb2__) && defined(__OPTIMIZE__) && !defined(__clang__) && !TINYKD_SMALL
#define TINYKD_BLOCKED_2X4                                                                                             \
    "ldrsb r0, [r9, r10]\n ldrsb lr, [r9], #1\n"                                                                       \
    "ldrsb r12, [r11], #1\n mla r1, r12, lr, r1\n mla r5, r12, r0, r5\n"                                               \
    "ldrsb r12, [r11], #1\n mla r2, r12, lr, r2\n mla r6, r12, r0, r6\n"                                               \
    "ldrsb r12, [r11], #1\n mla r3, r12, lr, r3\n mla r7, r12, r0, r7\n"                                               \
    "ldrsb r12, [r11], #1\n mla r4, r12, lr, r4\n mla r8, r12, r0, r8\n"

TINYKD_NOINLINE static const int8_t *tinykd_blocked_2x4(int32_t *sums, const int32_t *first, const int32_t *second, const int8_t *a,
                                                        int32_t apart, const int8_t *w, int32_t count)
{
    const struct {
        const int32_t *first, *second;
        const int8_t *a;
        int32_t apart;
        const int8_t *w;
    } block = {first, second, a, apart, w};
    const int8_t *const end_of_fours = a + (count & ~3), *const end = a + count;
    register const void *const b __asm__("r1") = &block;

    __asm__ volatile("ldmia r1, {r2, r3, r9, r10, r11}\n"
                     "ldmia r3, {r5-r8}\n"
                     "ldmia r2, {r1-r4}\n"
                     "1: ldr r12, %[end_of_fours]\n cmp r9, r12\n beq 2f\n"
                     TINYKD_BLOCKED_2X4 TINYKD_BLOCKED_2X4 TINYKD_BLOCKED_2X4 TINYKD_BLOCKED_2X4
                     "b 1b\n"
                     "2: ldr r12, %[end]\n cmp r9, r12\n beq 3f\n" TINYKD_BLOCKED_2X4 "b 2b\n"
                     "3: ldr r0, %[sums]\n"
                     "stmia r0!, {r1-r4}\n"
                     "add r0, r0, #48\n"
                     "stmia r0, {r5-r8}\n"
                     :
                     : "r"(b), [end_of_fours] "m"(end_of_fours), [end] "m"(end), [sums] "m"(sums)
                     : "r0", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    return w + 4 * count;
}
#else
static inline const int8_t *tinykd_blocked_2x4(int32_t *sums, const int32_t *first, const int32_t *second, const int8_t *a,
                                                        int32_t apart, const int8_t *w, int32_t count)
{
    int32_t x0 = first[0], x1 = first[1], x2 = first[2], x3 = first[3];
    int32_t y0 = second[0], y1 = second[1], y2 = second[2], y3 = second[3];

    for (const int8_t *const end = a + count; a != end; ++a, w += 4) {
        const int32_t x = a[0], y = a[apart];

        x0 += x * w[0];
        y0 += y * w[0];
        x1 += x * w[1];
        y1 += y * w[1];
        x2 += x * w[2];
        y2 += y * w[2];
        x3 += x * w[3];
        y3 += y * w[3];
    }
    sums[0] = x0;
    sums[1] = x1;
    sums[2] = x2;
    sums[3] = x3;
    sums[TINYKD_BLOCKED_CHANNELS + 0] = y0;
    sums[TINYKD_BLOCKED_CHANNELS + 1] = y1;
    sums[TINYKD_BLOCKED_CHANNELS + 2] = y2;
    sums[TINYKD_BLOCKED_CHANNELS + 3] = y3;
    return w;
}
#endif

#define TINYKD_BLOCKED_1X4(k)                                                                                          \
    do {                                                                                                               \
        const int32_t x = a[k];                                                                                        \
        s0 += x * w[4 * (k)];                                                                                          \
        s1 += x * w[4 * (k) + 1];                                                                                      \
        s2 += x * w[4 * (k) + 2];                                                                                      \
        s3 += x * w[4 * (k) + 3];                                                                                      \
    } while (0)

/* The same for one input. */
TINYKD_NOINLINE static const int8_t *tinykd_blocked_1x4(int32_t sums[4], const int8_t *a, const int8_t *w, int32_t count)
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    const int8_t *end = TINYKD_SMALL ? a : a + (count & ~3);

    for (; a != end; a += 4, w += 16) {
        TINYKD_BLOCKED_1X4(0);
        TINYKD_BLOCKED_1X4(1);
        TINYKD_BLOCKED_1X4(2);
        TINYKD_BLOCKED_1X4(3);
    }
    for (end = TINYKD_SMALL ? a + count : a + (count & 3); a != end; ++a, w += 4) {
        TINYKD_BLOCKED_1X4(0);
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    return w;
}

/* `count` outputs of channels c and on. */
TINYKD_NOINLINE static void tinykd_blocked_store_1(const struct tinykd_blocked_finish *p, const int32_t *sums, int32_t c, int32_t count, int8_t *output)
{
    const struct tinykd_blocked_finish f = *p;

    for (const int32_t *const end = sums + count; sums != end; ++sums, ++c, ++output) {
        const int32_t m = f.multipliers[c], s1 = f.shifts[c];
        const int32_t a = tinykd_blocked_byte(*sums, m, s1, f.z * ((int32_t)1 << s1));

        *output = (int8_t)(a < f.low ? f.low : a > f.high ? f.high : a);
    }
}

/* The same of two inputs, the outputs of the second one `apart` bytes further. */
TINYKD_NOINLINE static void tinykd_blocked_store_2(const struct tinykd_blocked_finish *p, const int32_t *sums, int32_t c, int32_t count,
                                                   int8_t *output, int32_t apart)
{
    const int32_t *m = p->multipliers + c, *second = sums + TINYKD_BLOCKED_CHANNELS, *const end = sums + count;
    const int8_t *s = p->shifts + c;
    const int32_t z = p->z, low = p->low, high = p->high;

    if (TINYKD_SMALL) {
        tinykd_blocked_store_1(p, sums, c, count, output);
        tinykd_blocked_store_1(p, second, c, count, output + apart);
    } else if (low == -128 && high == 127) {
        for (; sums != end; ++output) {
            const int32_t multiplier = *m++, s1 = *s++, offset = z * ((int32_t)1 << s1);

            output[0] = (int8_t)tinykd_blocked_byte(*sums++, multiplier, s1, offset);
            output[apart] = (int8_t)tinykd_blocked_byte(*second++, multiplier, s1, offset);
        }
    } else {
        for (; sums != end; ++output) {
            const int32_t multiplier = *m++, s1 = *s++, offset = z * ((int32_t)1 << s1);
            const int32_t a = tinykd_blocked_byte(*sums++, multiplier, s1, offset);
            const int32_t b = tinykd_blocked_byte(*second++, multiplier, s1, offset);

            output[0] = (int8_t)(a < low ? low : a > high ? high : a);
            output[apart] = (int8_t)(b < low ? low : b > high ? high : b);
        }
    }
}

/* The image and the windows of a convolution. */
struct tinykd_blocked_image {
    int32_t height, width, channels;
    int32_t kernel_height, kernel_width, dilation_height, dilation_width;
    int32_t zero_point;
};

/* Three times in a window: inlined where speed counts. */
#if TINYKD_SMALL
TINYKD_NOINLINE static int8_t *tinykd_blocked_fill(int8_t *to, int32_t value, int32_t count);
#endif

static inline int8_t *tinykd_blocked_fill(int8_t *to, int32_t value, int32_t count)
{
    for (int8_t *const end = to + count; to != end; ++to) {
        *to = (int8_t)value;
    }
    return to;
}

/* Word by word where both sides allow it; a library's memcpy may go byte by byte. */
static inline int8_t *tinykd_blocked_copy(int8_t *to, const int8_t *from, int32_t count)
{
    int8_t *const end = to + count;

    if (TINYKD_SMALL) {
        memcpy(to, from, (uint32_t)count);
        return end;
    }
    if ((((uintptr_t)to | (uintptr_t)from) & 3u) == 0u) {
        for (; to + 4 <= end; to += 4, from += 4) {
            __builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), 4);
        }
    }
    while (to != end) {
        *to++ = *from++;
    }
    return to;
}

/* The window whose first tap is pixel (top, left): [kernel_height, kernel_width, channels], the zero point outside the image. */
TINYKD_NOINLINE static void tinykd_blocked_gather(const struct tinykd_blocked_image *p, const int8_t *input, int32_t top, int32_t left,
                                                  int8_t *window)
{
    const struct tinykd_blocked_image image = *p;

    for (int32_t i = 0; i < image.kernel_height; ++i) {
        const int32_t row = top + i * image.dilation_height;
        const int8_t *const line = input + row * image.width * image.channels;

        if (row < 0 || row >= image.height) {
            window = tinykd_blocked_fill(window, image.zero_point, image.kernel_width * image.channels);
        } else if (TINYKD_SMALL || image.dilation_width != 1) {
            for (int32_t j = 0; j < image.kernel_width; ++j) {
                const int32_t column = left + j * image.dilation_width;

                window = column < 0 || column >= image.width ? tinykd_blocked_fill(window, image.zero_point, image.channels)
                                                             : tinykd_blocked_copy(window, line + column * image.channels, image.channels);
            }
        } else {
            const int32_t first = left < 0 ? 0 : left, right = left + image.kernel_width;
            const int32_t end = right > image.width ? image.width : right;
            const int32_t inside = end > first ? end - first : 0, before = inside ? first - left : image.kernel_width;

            window = tinykd_blocked_fill(window, image.zero_point, before * image.channels);
            window = tinykd_blocked_copy(window, line + first * image.channels, inside * image.channels);
            window = tinykd_blocked_fill(window, image.zero_point, (image.kernel_width - before - inside) * image.channels);
        }
    }
}

#endif
