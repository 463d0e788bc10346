/* SPDX-License-Identifier: Apache-2.0
 * Layers computed row by row: of a tensor between them only a window of rows exists, kept in order and without gaps. */
#ifndef TINYKD_STREAM_H
#define TINYKD_STREAM_H

#include <stdint.h>
#include <string.h>

static inline int32_t tinykd_smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static inline int32_t tinykd_larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* memcpy of whole words, a constant number of them. The compiler is told that they are words, and that it is its own memcpy
 * even where no C library is: it loads and stores words instead of calling a function. */
#if defined(__GNUC__) || defined(__clang__)
#define TINYKD_COPY_WORDS(to, from, bytes)                                                                             \
    __builtin_memcpy(__builtin_assume_aligned(to, 4), __builtin_assume_aligned(from, 4), bytes)
#else
#define TINYKD_COPY_WORDS(to, from, bytes) memcpy(to, from, bytes)
#endif

/* Moves words down to a lower address, which they may overlap. Sixteen bytes are in registers at a time: compilers make
 * multiple loads and stores of them, where a C library's memmove may go byte by byte. */
static inline void tinykd_move_down(int8_t *to, const int8_t *from, int32_t bytes)
{
    uint32_t words[4], *const held = words; /* clang 14 with sanitizers crashes on an array that is said to be aligned */

    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) {
        TINYKD_COPY_WORDS(held, from, 16);
        TINYKD_COPY_WORDS(to, held, 16);
    }
    for (; bytes > 0; bytes -= 4, to += 4, from += 4) {
        TINYKD_COPY_WORDS(held, from, 4);
        TINYKD_COPY_WORDS(to, held, 4);
    }
}

/* Where row `next` of a tensor goes in its window, which holds the rows from *first on. A full window first gives up
 * those below `lowest`, which nothing reads any more. */
static inline int8_t *tinykd_next_row(int8_t *window, int32_t *first, int32_t next, int32_t lowest, int32_t capacity, int32_t row_bytes)
{
    if (next - *first == capacity) {
        const int32_t kept = next - tinykd_smaller(lowest, next);

        tinykd_move_down(window, window + (capacity - kept) * row_bytes, kept * row_bytes);
        *first = next - kept;
    }
    return window + (next - *first) * row_bytes;
}

#endif
