/* SPDX-License-Identifier: Apache-2.0
 * Vectors of 128 bits: the Helium (MVE) instructions of Cortex-M55 and M85, and the same integers in plain C elsewhere.
 * Each function is one instruction or two; the kernels in kernels/mve are written with them and run on any core. */
#ifndef TINYKD_MVE_H
#define TINYKD_MVE_H

#include <stdint.h>

/* Sums of four products: of one vector with four filters, or of two with two, those of the first vector first. */
struct tinykd_sums {
    int32_t s0, s1, s2, s3;
};

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* A piece of a kernel that is compiled anew, with the constants it is given, wherever it is used. */
#define TINYKD_INLINE static inline __attribute__((always_inline))

typedef int8x16_t tinykd_bytes;
typedef int16x8_t tinykd_vector_halves;
typedef int32x4_t tinykd_words;

TINYKD_INLINE tinykd_bytes tinykd_load_bytes(const int8_t *from)
{
    return vldrbq_s8(from);
}

/* Loads 16 bytes and steps over them. GCC recomputes one address from another where two loads could step by themselves. */
TINYKD_INLINE tinykd_bytes tinykd_next_bytes(const int8_t **from)
{
    const int8_t *at = *from;
    tinykd_bytes v;

    __asm__("vldrb.u8 %q0, [%1], #16" : "=w"(v), "+r"(at) : "m"(*(const int8_t(*)[16])at));
    *from = at;
    return v;
}

/* The first `count` bytes, 1 to 16, and zeros. Nothing behind them is read. */
TINYKD_INLINE tinykd_bytes tinykd_load_some_bytes(const int8_t *from, int32_t count)
{
    return vldrbq_z_s8(from, vctp8q((uint32_t)count));
}

TINYKD_INLINE void tinykd_store_bytes(int8_t *to, tinykd_bytes v)
{
    vstrbq_s8(to, v);
}

TINYKD_INLINE void tinykd_store_some_bytes(int8_t *to, tinykd_bytes v, int32_t count)
{
    vstrbq_p_s8(to, v, vctp8q((uint32_t)count));
}

TINYKD_INLINE tinykd_bytes tinykd_same_bytes(int32_t value)
{
    return vdupq_n_s8((int8_t)value);
}

TINYKD_INLINE tinykd_bytes tinykd_clamp_vector(tinykd_bytes v, int32_t low, int32_t high)
{
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8((int8_t)low)), vdupq_n_s8((int8_t)high));
}

/* Loads and products that belong together are single pieces of assembly: GCC moves vector loads far ahead of their use, and then
 * spills vectors. */

TINYKD_INLINE tinykd_bytes tinykd_larger_bytes(tinykd_bytes a, tinykd_bytes b)
{
    return vmaxq_s8(a, b);
}

TINYKD_INLINE tinykd_vector_halves tinykd_add_halves(tinykd_vector_halves a, tinykd_vector_halves b)
{
    return vaddq_s16(a, b);
}

TINYKD_INLINE void tinykd_store_halves(int16_t *to, tinykd_vector_halves v)
{
    vstrhq_s16(to, v);
}

/* The sum of the 16 products. */
TINYKD_INLINE int32_t tinykd_first_dot(tinykd_bytes a, tinykd_bytes b)
{
    return vmladavq_s8(a, b);
}

/* sum + the 16 products */
TINYKD_INLINE int32_t tinykd_dot_bytes(int32_t sum, tinykd_bytes a, tinykd_bytes b)
{
    return vmladavaq_s8(sum, a, b);
}

/* sum + the products of the next 16 bytes of both */
TINYKD_INLINE int32_t tinykd_dot_next(int32_t sum, const int8_t **a, const int8_t **b)
{
    const int8_t *x = *a, *y = *b;
    tinykd_bytes u, v;

    __asm__("vldrb.u8 %q3, [%1], #16\n\tvldrb.u8 %q4, [%2], #16\n\tvmladava.s8 %0, %q3, %q4"
            : "+Te"(sum), "+r"(x), "+r"(y), "=&w"(u), "=&w"(v)
            : "m"(*(const int8_t(*)[16])x), "m"(*(const int8_t(*)[16])y));
    *a = x;
    *b = y;
    return sum;
}

/* The next 16 bytes of a with the next four vectors of w. */
#define TINYKD_DOT_1X4(name, product, sums)                                                                            \
    TINYKD_INLINE struct tinykd_sums name(struct tinykd_sums s, const int8_t **a, const int8_t **w)                    \
    {                                                                                                                  \
        const int8_t *x = *a, *z = *w;                                                                                 \
        tinykd_bytes u, v;                                                                                             \
                                                                                                                       \
        __asm__("vldrb.u8 %q6, [%4], #16\n\tvldrb.u8 %q7, [%5], #16\n\t" product " %0, %q6, %q7\n\t"                   \
                "vldrb.u8 %q7, [%5], #16\n\t" product " %1, %q6, %q7\n\tvldrb.u8 %q7, [%5], #16\n\t"                  \
                product " %2, %q6, %q7\n\tvldrb.u8 %q7, [%5], #16\n\t" product " %3, %q6, %q7"                        \
                : sums(s.s0), sums(s.s1), sums(s.s2), sums(s.s3), "+r"(x), "+r"(z), "=&w"(u), "=&w"(v)                 \
                : "m"(*(const int8_t(*)[16])x), "m"(*(const int8_t(*)[64])z));                                         \
        *a = x;                                                                                                        \
        *w = z;                                                                                                        \
        return s;                                                                                                      \
    }

TINYKD_DOT_1X4(tinykd_first_dot_1x4, "vmladav.s8", "=&Te")
TINYKD_DOT_1X4(tinykd_dot_1x4, "vmladava.s8", "+Te")

/* 16 bytes of each of four lines with one of four vectors, summed; then the lines step over the first few. */
#define TINYKD_DOT_LINES(step)                                                                                         \
    TINYKD_INLINE tinykd_words tinykd_dot_lines_##step(const int8_t *x[4], tinykd_bytes w0, tinykd_bytes w1,           \
                                                       tinykd_bytes w2, tinykd_bytes w3)                               \
    {                                                                                                                  \
        const int8_t *a = x[0], *b = x[1], *c = x[2], *d = x[3];                                                       \
        int32_t s0, s1, s2, s3;                                                                                        \
        tinykd_words v;                                                                                                \
                                                                                                                       \
        __asm__("vldrb.u8 %q0, [%5], #" #step "\n\tvmladav.s8 %1, %q0, %q9\n\t"                                       \
                "vldrb.u8 %q0, [%6], #" #step "\n\tvmladav.s8 %2, %q0, %q10\n\t"                                      \
                "vldrb.u8 %q0, [%7], #" #step "\n\tvmladav.s8 %3, %q0, %q11\n\t"                                      \
                "vldrb.u8 %q0, [%8], #" #step "\n\tvmladav.s8 %4, %q0, %q12\n\t"                                      \
                "vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4"                                           \
                : "=&w"(v), "=&Te"(s0), "=&Te"(s1), "=&Te"(s2), "=&Te"(s3), "+r"(a), "+r"(b), "+r"(c), "+r"(d)         \
                : "w"(w0), "w"(w1), "w"(w2), "w"(w3), "m"(*(const int8_t(*)[16])a), "m"(*(const int8_t(*)[16])b),      \
                  "m"(*(const int8_t(*)[16])c), "m"(*(const int8_t(*)[16])d));                                         \
        x[0] = a;                                                                                                      \
        x[1] = b;                                                                                                      \
        x[2] = c;                                                                                                      \
        x[3] = d;                                                                                                      \
        return v;                                                                                                      \
    }

/* The next 16 bytes of a and of b with the next two vectors of w. */
#define TINYKD_DOT_2X2(name, product, sums)                                                                            \
    TINYKD_INLINE struct tinykd_sums name(struct tinykd_sums s, const int8_t **a, const int8_t **b, const int8_t **w)  \
    {                                                                                                                  \
        const int8_t *x = *a, *y = *b, *z = *w;                                                                        \
        tinykd_bytes t, u, v;                                                                                          \
                                                                                                                       \
        __asm__("vldrb.u8 %q7, [%4], #16\n\tvldrb.u8 %q9, [%6], #16\n\t" product " %0, %q7, %q9\n\t"                   \
                "vldrb.u8 %q8, [%5], #16\n\t" product " %2, %q8, %q9\n\t"                                             \
                "vldrb.u8 %q9, [%6], #16\n\t" product " %1, %q7, %q9\n\t" product " %3, %q8, %q9"                      \
                : sums(s.s0), sums(s.s1), sums(s.s2), sums(s.s3), "+r"(x), "+r"(y), "+r"(z), "=&w"(t), "=&w"(u), "=&w"(v) \
                : "m"(*(const int8_t(*)[16])x), "m"(*(const int8_t(*)[16])y), "m"(*(const int8_t(*)[32])z));           \
        *a = x;                                                                                                        \
        *b = y;                                                                                                        \
        *w = z;                                                                                                        \
        return s;                                                                                                      \
    }

/* The same with the bytes of a in a register. */
#define TINYKD_DOT_2X2_HELD(name, product, sums)                                                                       \
    TINYKD_INLINE struct tinykd_sums name(struct tinykd_sums s, tinykd_bytes a, const int8_t **b, const int8_t **w)    \
    {                                                                                                                  \
        const int8_t *y = *b, *z = *w;                                                                                 \
        tinykd_bytes u, v;                                                                                             \
                                                                                                                       \
        __asm__("vldrb.u8 %q7, [%5], #16\n\t" product " %0, %q8, %q7\n\tvldrb.u8 %q6, [%4], #16\n\t"                  \
                product " %2, %q6, %q7\n\tvldrb.u8 %q7, [%5], #16\n\t" product " %1, %q8, %q7\n\t"                  \
                product " %3, %q6, %q7"                                                                                \
                : sums(s.s0), sums(s.s1), sums(s.s2), sums(s.s3), "+r"(y), "+r"(z), "=&w"(u), "=&w"(v)                 \
                : "w"(a), "m"(*(const int8_t(*)[16])y), "m"(*(const int8_t(*)[32])z));                                 \
        *b = y;                                                                                                        \
        *w = z;                                                                                                        \
        return s;                                                                                                      \
    }

TINYKD_DOT_2X2_HELD(tinykd_first_dot_2x2_held, "vmladav.s8", "=&Te")
TINYKD_DOT_2X2_HELD(tinykd_dot_2x2_held, "vmladava.s8", "+Te")
TINYKD_DOT_2X2(tinykd_dot_2x2, "vmladava.s8", "+Te")

/* Eight bytes, sign-extended. */
TINYKD_INLINE tinykd_vector_halves tinykd_load_halves(const int8_t *from)
{
    return vldrbq_s16(from);
}

TINYKD_INLINE tinykd_vector_halves tinykd_load_some_halves(const int8_t *from, int32_t count)
{
    return vldrbq_z_s16(from, vctp16q((uint32_t)count));
}

TINYKD_INLINE tinykd_vector_halves tinykd_same_halves(int32_t value)
{
    return vdupq_n_s16((int16_t)value);
}

/* 0, step, 2 * step, ... */
TINYKD_INLINE tinykd_vector_halves tinykd_multiples(int32_t step)
{
    return vmulq_n_s16(vreinterpretq_s16_u16(vidupq_n_u16(0, 1)), (int16_t)step);
}

/* The low bytes of `v`, each `offsets` bytes (unsigned) behind `to`. */
TINYKD_INLINE void tinykd_scatter_halves(int8_t *to, tinykd_vector_halves offsets, tinykd_vector_halves v)
{
    vstrbq_scatter_offset_s16(to, vreinterpretq_u16_s16(offsets), v);
}

TINYKD_INLINE void tinykd_scatter_some_halves(int8_t *to, tinykd_vector_halves offsets, tinykd_vector_halves v, int32_t count)
{
    vstrbq_scatter_offset_p_s16(to, vreinterpretq_u16_s16(offsets), v, vctp16q((uint32_t)count));
}

/* The first `count` bytes of `v`, each `offsets` bytes (unsigned) behind `to`. */
TINYKD_INLINE void tinykd_scatter_bytes(int8_t *to, tinykd_bytes offsets, tinykd_bytes v)
{
    vstrbq_scatter_offset_s8(to, vreinterpretq_u8_s8(offsets), v);
}

TINYKD_INLINE void tinykd_scatter_some_bytes(int8_t *to, tinykd_bytes offsets, tinykd_bytes v, int32_t count)
{
    vstrbq_scatter_offset_p_s8(to, vreinterpretq_u8_s8(offsets), v, vctp8q((uint32_t)count));
}

/* Words 0 and 2, then 1 and 3. GCC moves each by itself. */
TINYKD_INLINE tinykd_words tinykd_even_words(int32_t a, int32_t c)
{
    tinykd_words v;

    __asm__("vmov %q0[2], %q0[0], %1, %2" : "=w"(v) : "r"(a), "r"(c));
    return v;
}

TINYKD_INLINE tinykd_words tinykd_with_odd_words(tinykd_words v, int32_t b, int32_t d)
{
    __asm__("vmov %q0[3], %q0[1], %1, %2" : "+w"(v) : "r"(b), "r"(d));
    return v;
}

TINYKD_INLINE tinykd_words tinykd_load_words(const int32_t *from)
{
    return vldrwq_s32(from);
}

/* Loads four words and steps over them. */
TINYKD_INLINE tinykd_words tinykd_next_words(const int32_t **from)
{
    const int32_t *at = *from;
    tinykd_words v;

    __asm__("vldrw.u32 %q0, [%1], #16" : "=w"(v), "+r"(at) : "m"(*(const int32_t(*)[4])at));
    *from = at;
    return v;
}

/* Four bytes, sign-extended. */
TINYKD_INLINE tinykd_words tinykd_widen_bytes(const int8_t *from)
{
    return vldrbq_s32(from);
}

TINYKD_INLINE tinykd_words tinykd_widen_some_bytes(const int8_t *from, int32_t count)
{
    return vldrbq_z_s32(from, vctp32q((uint32_t)count));
}

/* (a * a_factor + b * b_factor + offset) >> shift */
TINYKD_INLINE tinykd_words tinykd_weighted_words(tinykd_words a, int32_t a_factor, tinykd_words b, int32_t b_factor, int32_t offset,
                                                 int32_t shift)
{
    return vshlq_r_s32(vaddq_n_s32(vmlaq_n_s32(vmulq_n_s32(a, a_factor), b, b_factor), offset), -shift);
}

TINYKD_INLINE tinykd_words tinykd_add_words(tinykd_words a, tinykd_words b)
{
    return vaddq_s32(a, b);
}

/* -1 where negative, else 0 */
TINYKD_INLINE tinykd_words tinykd_sign_words(tinykd_words v)
{
    return vshrq_n_s32(v, 31);
}

/* (a * b + 2^30) >> 31 */
TINYKD_INLINE tinykd_words tinykd_multiply_words_rounding(tinykd_words a, tinykd_words b)
{
    return vqrdmulhq_s32(a, b);
}

/* a * b >> 31 */
TINYKD_INLINE tinykd_words tinykd_multiply_words(tinykd_words a, tinykd_words b)
{
    return vqdmulhq_s32(a, b);
}

/* v / 2^-shift, ties up; shifts -31 to 0 */
TINYKD_INLINE tinykd_words tinykd_shift_words(tinykd_words v, tinykd_words shifts)
{
    return vrshlq_s32(v, shifts);
}

/* Four words and another four plus the zero point, as bytes; the narrowing moves saturate. GCC copies what such moves keep. */
TINYKD_INLINE tinykd_bytes tinykd_narrow_words(tinykd_words first, tinykd_words second, int32_t zero_point)
{
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqmovnt.s32 %q0, %q1\n\tvqadd.s16 %q0, %q0, %2\n\tvqmovnb.s16 %q0, %q0"
            : "+w"(first)
            : "w"(second), "r"(zero_point));
    return vreinterpretq_s8_s32(first);
}

/* Four words plus the zero point, saturated, as bytes. */
TINYKD_INLINE void tinykd_store_word_bytes(int8_t *to, tinykd_words v, int32_t zero_point)
{
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqadd.s16 %q0, %q0, %1\n\tvqmovnb.s16 %q0, %q0" : "+w"(v) : "r"(zero_point));
    vstrbq_s32(to, v);
}

/* The bytes that `tinykd_narrow_words` made: its first four words to one place, the second four to another. */
TINYKD_INLINE void tinykd_store_narrowed(int8_t *first, int8_t *second, tinykd_bytes v)
{
    const uint32x4_t words = vreinterpretq_u32_s8(v);
    vstrbq_u32((uint8_t *)first, words);
    vstrbq_u32((uint8_t *)second, vshrq_n_u32(words, 16));
}

TINYKD_INLINE void tinykd_store_some_narrowed(int8_t *first, int8_t *second, tinykd_bytes v, int32_t count)
{
    const uint32x4_t words = vreinterpretq_u32_s8(v);
    const mve_pred16_t some = vctp32q((uint32_t)count);
    vstrbq_p_u32((uint8_t *)first, words, some);
    vstrbq_p_u32((uint8_t *)second, vshrq_n_u32(words, 16), some);
}

#else
#define TINYKD_INLINE static inline

typedef struct {
    int8_t at[16];
} tinykd_bytes;

typedef struct {
    int16_t at[8];
} tinykd_vector_halves;

typedef struct {
    int32_t at[4];
} tinykd_words;

static inline tinykd_bytes tinykd_load_some_bytes(const int8_t *from, int32_t count)
{
    tinykd_bytes v = {{0}};

    for (int32_t i = 0; i < count; ++i) {
        v.at[i] = from[i];
    }
    return v;
}

static inline tinykd_bytes tinykd_load_bytes(const int8_t *from)
{
    return tinykd_load_some_bytes(from, 16);
}

static inline tinykd_bytes tinykd_next_bytes(const int8_t **from)
{
    *from += 16;
    return tinykd_load_bytes(*from - 16);
}

static inline void tinykd_store_some_bytes(int8_t *to, tinykd_bytes v, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[i] = v.at[i];
    }
}

static inline void tinykd_store_bytes(int8_t *to, tinykd_bytes v)
{
    tinykd_store_some_bytes(to, v, 16);
}

static inline tinykd_bytes tinykd_same_bytes(int32_t value)
{
    tinykd_bytes v;

    for (int32_t i = 0; i < 16; ++i) {
        v.at[i] = (int8_t)value;
    }
    return v;
}

static inline tinykd_bytes tinykd_clamp_vector(tinykd_bytes v, int32_t low, int32_t high)
{
    for (int32_t i = 0; i < 16; ++i) {
        v.at[i] = (int8_t)(v.at[i] < low ? low : v.at[i] > high ? high : v.at[i]);
    }
    return v;
}

/* What an instruction does where a sum leaves 32 bits. */
static inline int32_t tinykd_wrap(uint32_t sum)
{
    return sum > 0x7FFFFFFFu ? -(int32_t)(0xFFFFFFFFu - sum) - 1 : (int32_t)sum;
}

static inline int32_t tinykd_dot_bytes(int32_t sum, tinykd_bytes a, tinykd_bytes b)
{
    int32_t products = 0;

    for (int32_t i = 0; i < 16; ++i) {
        products += a.at[i] * b.at[i];
    }
    return tinykd_wrap((uint32_t)sum + (uint32_t)products);
}

static inline int32_t tinykd_first_dot(tinykd_bytes a, tinykd_bytes b)
{
    return tinykd_dot_bytes(0, a, b);
}

static inline int32_t tinykd_dot_next(int32_t sum, const int8_t **a, const int8_t **b)
{
    const tinykd_bytes x = tinykd_next_bytes(a);
    return tinykd_dot_bytes(sum, x, tinykd_next_bytes(b));
}

static inline struct tinykd_sums tinykd_dot_1x4(struct tinykd_sums s, const int8_t **a, const int8_t **w)
{
    const tinykd_bytes x = tinykd_next_bytes(a);

    s.s0 = tinykd_dot_bytes(s.s0, x, tinykd_next_bytes(w));
    s.s1 = tinykd_dot_bytes(s.s1, x, tinykd_next_bytes(w));
    s.s2 = tinykd_dot_bytes(s.s2, x, tinykd_next_bytes(w));
    s.s3 = tinykd_dot_bytes(s.s3, x, tinykd_next_bytes(w));
    return s;
}

#define TINYKD_DOT_LINES(step)                                                                                         \
    static inline tinykd_words tinykd_dot_lines_##step(const int8_t *x[4], tinykd_bytes w0, tinykd_bytes w1,           \
                                                       tinykd_bytes w2, tinykd_bytes w3)                               \
    {                                                                                                                  \
        const tinykd_bytes w[4] = {w0, w1, w2, w3};                                                                    \
        tinykd_words v;                                                                                                \
                                                                                                                       \
        for (int32_t i = 0; i < 4; ++i) {                                                                              \
            v.at[i] = tinykd_first_dot(tinykd_load_bytes(x[i]), w[i]);                                                 \
            x[i] += (step);                                                                                            \
        }                                                                                                              \
        return v;                                                                                                      \
    }

static inline struct tinykd_sums tinykd_first_dot_1x4(struct tinykd_sums s, const int8_t **a, const int8_t **w)
{
    s.s0 = s.s1 = s.s2 = s.s3 = 0;
    return tinykd_dot_1x4(s, a, w);
}

static inline struct tinykd_sums tinykd_dot_2x2_held(struct tinykd_sums s, tinykd_bytes a, const int8_t **b, const int8_t **w)
{
    const tinykd_bytes y = tinykd_next_bytes(b), first = tinykd_next_bytes(w), second = tinykd_next_bytes(w);
    const struct tinykd_sums r = {tinykd_dot_bytes(s.s0, a, first), tinykd_dot_bytes(s.s1, a, second), tinykd_dot_bytes(s.s2, y, first),
                                  tinykd_dot_bytes(s.s3, y, second)};
    return r;
}

static inline struct tinykd_sums tinykd_first_dot_2x2_held(struct tinykd_sums s, tinykd_bytes a, const int8_t **b, const int8_t **w)
{
    s.s0 = s.s1 = s.s2 = s.s3 = 0;
    return tinykd_dot_2x2_held(s, a, b, w);
}

static inline struct tinykd_sums tinykd_dot_2x2(struct tinykd_sums s, const int8_t **a, const int8_t **b, const int8_t **w)
{
    return tinykd_dot_2x2_held(s, tinykd_next_bytes(a), b, w);
}

static inline tinykd_vector_halves tinykd_load_some_halves(const int8_t *from, int32_t count)
{
    tinykd_vector_halves v = {{0}};

    for (int32_t i = 0; i < count; ++i) {
        v.at[i] = from[i];
    }
    return v;
}

static inline tinykd_vector_halves tinykd_load_halves(const int8_t *from)
{
    return tinykd_load_some_halves(from, 8);
}

static inline tinykd_vector_halves tinykd_same_halves(int32_t value)
{
    tinykd_vector_halves v;

    for (int32_t i = 0; i < 8; ++i) {
        v.at[i] = (int16_t)value;
    }
    return v;
}

static inline tinykd_vector_halves tinykd_multiples(int32_t step)
{
    tinykd_vector_halves v;

    for (int32_t i = 0; i < 8; ++i) {
        v.at[i] = (int16_t)(uint16_t)(i * step);
    }
    return v;
}

static inline void tinykd_scatter_some_halves(int8_t *to, tinykd_vector_halves offsets, tinykd_vector_halves v, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[(uint16_t)offsets.at[i]] = (int8_t)v.at[i];
    }
}

static inline void tinykd_scatter_halves(int8_t *to, tinykd_vector_halves offsets, tinykd_vector_halves v)
{
    tinykd_scatter_some_halves(to, offsets, v, 8);
}

static inline void tinykd_scatter_some_bytes(int8_t *to, tinykd_bytes offsets, tinykd_bytes v, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[(uint8_t)offsets.at[i]] = v.at[i];
    }
}

static inline void tinykd_scatter_bytes(int8_t *to, tinykd_bytes offsets, tinykd_bytes v)
{
    tinykd_scatter_some_bytes(to, offsets, v, 16);
}

static inline tinykd_words tinykd_even_words(int32_t a, int32_t c)
{
    const tinykd_words v = {{a, 0, c, 0}};
    return v;
}

static inline tinykd_words tinykd_with_odd_words(tinykd_words v, int32_t b, int32_t d)
{
    v.at[1] = b;
    v.at[3] = d;
    return v;
}

static inline tinykd_words tinykd_load_words(const int32_t *from)
{
    const tinykd_words v = {{from[0], from[1], from[2], from[3]}};
    return v;
}

static inline tinykd_words tinykd_next_words(const int32_t **from)
{
    *from += 4;
    return tinykd_load_words(*from - 4);
}

static inline tinykd_words tinykd_widen_some_bytes(const int8_t *from, int32_t count)
{
    tinykd_words v = {{0}};

    for (int32_t i = 0; i < count; ++i) {
        v.at[i] = from[i];
    }
    return v;
}

static inline tinykd_words tinykd_widen_bytes(const int8_t *from)
{
    return tinykd_widen_some_bytes(from, 4);
}

static inline tinykd_words tinykd_weighted_words(tinykd_words a, int32_t a_factor, tinykd_words b, int32_t b_factor, int32_t offset,
                                                 int32_t shift)
{
    for (int32_t i = 0; i < 4; ++i) {
        a.at[i] = (a.at[i] * a_factor + b.at[i] * b_factor + offset) >> shift;
    }
    return a;
}

static inline tinykd_bytes tinykd_larger_bytes(tinykd_bytes a, tinykd_bytes b)
{
    for (int32_t i = 0; i < 16; ++i) {
        a.at[i] = a.at[i] > b.at[i] ? a.at[i] : b.at[i];
    }
    return a;
}

static inline tinykd_vector_halves tinykd_add_halves(tinykd_vector_halves a, tinykd_vector_halves b)
{
    for (int32_t i = 0; i < 8; ++i) {
        a.at[i] = (int16_t)(a.at[i] + b.at[i]);
    }
    return a;
}

static inline void tinykd_store_halves(int16_t *to, tinykd_vector_halves v)
{
    for (int32_t i = 0; i < 8; ++i) {
        to[i] = v.at[i];
    }
}

static inline tinykd_words tinykd_add_words(tinykd_words a, tinykd_words b)
{
    for (int32_t i = 0; i < 4; ++i) {
        a.at[i] = tinykd_wrap((uint32_t)a.at[i] + (uint32_t)b.at[i]);
    }
    return a;
}

static inline tinykd_words tinykd_sign_words(tinykd_words v)
{
    for (int32_t i = 0; i < 4; ++i) {
        v.at[i] = v.at[i] < 0 ? -1 : 0;
    }
    return v;
}

static inline tinykd_words tinykd_multiply_words_rounding(tinykd_words a, tinykd_words b)
{
    for (int32_t i = 0; i < 4; ++i) {
        a.at[i] = (int32_t)(((int64_t)a.at[i] * b.at[i] + ((int64_t)1 << 30)) >> 31);
    }
    return a;
}

static inline tinykd_words tinykd_multiply_words(tinykd_words a, tinykd_words b)
{
    for (int32_t i = 0; i < 4; ++i) {
        a.at[i] = (int32_t)(((int64_t)a.at[i] * b.at[i]) >> 31);
    }
    return a;
}

static inline tinykd_words tinykd_shift_words(tinykd_words v, tinykd_words shifts)
{
    for (int32_t i = 0; i < 4; ++i) {
        const int32_t right = -shifts.at[i];
        v.at[i] = (int32_t)((2 * (int64_t)v.at[i] + ((int64_t)1 << right)) >> right >> 1);
    }
    return v;
}

static inline int8_t tinykd_narrow(int32_t word, int32_t zero_point)
{
    const int64_t sum = (int64_t)word + zero_point;
    return (int8_t)(sum < -128 ? -128 : sum > 127 ? 127 : sum);
}

static inline void tinykd_store_word_bytes(int8_t *to, tinykd_words v, int32_t zero_point)
{
    for (int32_t i = 0; i < 4; ++i) {
        to[i] = tinykd_narrow(v.at[i], zero_point);
    }
}

static inline tinykd_bytes tinykd_narrow_words(tinykd_words first, tinykd_words second, int32_t zero_point)
{
    tinykd_bytes v = {{0}};

    for (int32_t i = 0; i < 4; ++i) {
        v.at[4 * i] = tinykd_narrow(first.at[i], zero_point);
        v.at[4 * i + 2] = tinykd_narrow(second.at[i], zero_point);
    }
    return v;
}

static inline void tinykd_store_some_narrowed(int8_t *first, int8_t *second, tinykd_bytes v, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        first[i] = v.at[4 * i];
    }
    for (int32_t i = 0; i < count; ++i) {
        second[i] = v.at[4 * i + 2];
    }
}

static inline void tinykd_store_narrowed(int8_t *first, int8_t *second, tinykd_bytes v)
{
    tinykd_store_some_narrowed(first, second, v, 4);
}
#endif

/* One sum of each of four channels. */
TINYKD_INLINE tinykd_words tinykd_four_words(int32_t a, int32_t b, int32_t c, int32_t d)
{
    return tinykd_with_odd_words(tinykd_even_words(a, c), b, d);
}

/* Biases, multipliers and shifts (-31 to -1) of four channels. */
struct tinykd_scaling {
    tinykd_words biases, multipliers, shifts;
};

TINYKD_INLINE struct tinykd_scaling tinykd_next_scaling(const int32_t **from)
{
    struct tinykd_scaling s;

    s.biases = tinykd_next_words(from);
    s.multipliers = tinykd_next_words(from);
    s.shifts = tinykd_next_words(from);
    return s;
}

/* Sums of four channels to the output's scale. */
typedef tinykd_words tinykd_requantizing(tinykd_words sums, struct tinykd_scaling s);

/* Rounded twice. */
TINYKD_INLINE tinykd_words tinykd_requantize_words(tinykd_words sums, struct tinykd_scaling s)
{
    const tinykd_words high = tinykd_multiply_words_rounding(tinykd_add_words(sums, s.biases), s.multipliers);
    return tinykd_shift_words(tinykd_add_words(high, tinykd_sign_words(high)), s.shifts);
}

/* The same where outputs below the zero point are clamped to it, so that negative sums may be rounded in any way. */
TINYKD_INLINE tinykd_words tinykd_requantize_positive_words(tinykd_words sums, struct tinykd_scaling s)
{
    return tinykd_shift_words(tinykd_multiply_words_rounding(tinykd_add_words(sums, s.biases), s.multipliers), s.shifts);
}

/* Rounded once, ties up. */
TINYKD_INLINE tinykd_words tinykd_requantize_words_once(tinykd_words sums, struct tinykd_scaling s)
{
    return tinykd_shift_words(tinykd_multiply_words(tinykd_add_words(sums, s.biases), s.multipliers), s.shifts);
}

/* Clamps what is narrower than a byte, in place. */
TINYKD_INLINE void tinykd_clamp_in_place(int8_t *at, int32_t count, int32_t low, int32_t high)
{
    for (; count > 0; count -= 16, at += 16) {
        const int32_t some = count < 16 ? count : 16;
        tinykd_store_some_bytes(at, tinykd_clamp_vector(tinykd_load_some_bytes(at, some), low, high), some);
    }
}

#endif
