/* SPDX-License-Identifier: Apache-2.0
 * Vectors of 128 bits: the Helium (MVE) instructions of Cortex-M55 and M85, and the same integers in plain C elsewhere.
 * Each function is one instruction or two; the kernels in kernels/mve are written with them and run on any core. */
#ifndef TINYKD_MVE_H
#define TINYKD_MVE_H

#include <stdint.h>

/* A piece of a kernel that is compiled anew, with the constants it is given, wherever it is used. */
#define TINYKD_INLINE static inline __attribute__((always_inline))

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

typedef int8x16_t tinykd_bytes;
typedef int16x8_t tinykd_halves;
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

/* Loads 16 bytes and steps over the first few of them. */
#define TINYKD_STEP_BYTES(step)                                                                                        \
    TINYKD_INLINE tinykd_bytes tinykd_step_##step##_bytes(const int8_t **from)                                         \
    {                                                                                                                  \
        const int8_t *at = *from;                                                                                      \
        tinykd_bytes v;                                                                                                \
                                                                                                                       \
        __asm__("vldrb.u8 %q0, [%1], #" #step : "=w"(v), "+r"(at) : "m"(*(const int8_t(*)[16])at));                    \
        *from = at;                                                                                                    \
        return v;                                                                                                      \
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

TINYKD_INLINE tinykd_bytes tinykd_clamp_bytes(tinykd_bytes v, int32_t low, int32_t high)
{
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8((int8_t)low)), vdupq_n_s8((int8_t)high));
}

/* The sum of the 16 products. */
TINYKD_INLINE int32_t tinykd_first_dot(tinykd_bytes a, tinykd_bytes b)
{
    return vmladavq_s8(a, b);
}

TINYKD_INLINE int32_t tinykd_dot(int32_t sum, tinykd_bytes a, tinykd_bytes b)
{
    return vmladavaq_s8(sum, a, b);
}

/* Eight bytes, sign-extended. */
TINYKD_INLINE tinykd_halves tinykd_load_halves(const int8_t *from)
{
    return vldrbq_s16(from);
}

TINYKD_INLINE tinykd_halves tinykd_load_some_halves(const int8_t *from, int32_t count)
{
    return vldrbq_z_s16(from, vctp16q((uint32_t)count));
}

TINYKD_INLINE tinykd_halves tinykd_same_halves(int32_t value)
{
    return vdupq_n_s16((int16_t)value);
}

/* 0, step, 2 * step, ... */
TINYKD_INLINE tinykd_halves tinykd_multiples(int32_t step)
{
    return vmulq_n_s16(vreinterpretq_s16_u16(vidupq_n_u16(0, 1)), (int16_t)step);
}

/* The low bytes of `v`, each `offsets` bytes (unsigned) behind `to`. */
TINYKD_INLINE void tinykd_scatter_halves(int8_t *to, tinykd_halves offsets, tinykd_halves v)
{
    vstrbq_scatter_offset_s16(to, vreinterpretq_u16_s16(offsets), v);
}

TINYKD_INLINE void tinykd_scatter_some_halves(int8_t *to, tinykd_halves offsets, tinykd_halves v, int32_t count)
{
    vstrbq_scatter_offset_p_s16(to, vreinterpretq_u16_s16(offsets), v, vctp16q((uint32_t)count));
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

/* Four words and another four plus the zero point, as bytes; the narrowing moves saturate. */
TINYKD_INLINE tinykd_bytes tinykd_narrow_words(tinykd_words first, tinykd_words second, int32_t zero_point)
{
    const tinykd_halves both = vqaddq_n_s16(vqmovntq_s32(vqmovnbq_s32(vreinterpretq_s16_s32(first), first), second), (int16_t)zero_point);
    return vqmovnbq_s16(vreinterpretq_s8_s16(both), both);
}

/* Four words plus the zero point, saturated, as bytes. */
TINYKD_INLINE void tinykd_store_word_bytes(int8_t *to, tinykd_words v, int32_t zero_point)
{
    const tinykd_halves narrow = vqaddq_n_s16(vqmovnbq_s32(vreinterpretq_s16_s32(v), v), (int16_t)zero_point);
    vstrbq_s32(to, vreinterpretq_s32_s8(vqmovnbq_s16(vreinterpretq_s8_s16(narrow), narrow)));
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

typedef struct {
    int8_t at[16];
} tinykd_bytes;

typedef struct {
    int16_t at[8];
} tinykd_halves;

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

#define TINYKD_STEP_BYTES(step)                                                                                        \
    static inline tinykd_bytes tinykd_step_##step##_bytes(const int8_t **from)                                         \
    {                                                                                                                  \
        *from += (step);                                                                                               \
        return tinykd_load_bytes(*from - (step));                                                                      \
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

static inline tinykd_bytes tinykd_clamp_bytes(tinykd_bytes v, int32_t low, int32_t high)
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

static inline int32_t tinykd_dot(int32_t sum, tinykd_bytes a, tinykd_bytes b)
{
    int32_t products = 0;

    for (int32_t i = 0; i < 16; ++i) {
        products += a.at[i] * b.at[i];
    }
    return tinykd_wrap((uint32_t)sum + (uint32_t)products);
}

static inline int32_t tinykd_first_dot(tinykd_bytes a, tinykd_bytes b)
{
    return tinykd_dot(0, a, b);
}

static inline tinykd_halves tinykd_load_some_halves(const int8_t *from, int32_t count)
{
    tinykd_halves v = {{0}};

    for (int32_t i = 0; i < count; ++i) {
        v.at[i] = from[i];
    }
    return v;
}

static inline tinykd_halves tinykd_load_halves(const int8_t *from)
{
    return tinykd_load_some_halves(from, 8);
}

static inline tinykd_halves tinykd_same_halves(int32_t value)
{
    tinykd_halves v;

    for (int32_t i = 0; i < 8; ++i) {
        v.at[i] = (int16_t)value;
    }
    return v;
}

static inline tinykd_halves tinykd_multiples(int32_t step)
{
    tinykd_halves v;

    for (int32_t i = 0; i < 8; ++i) {
        v.at[i] = (int16_t)(uint16_t)(i * step);
    }
    return v;
}

static inline void tinykd_scatter_some_halves(int8_t *to, tinykd_halves offsets, tinykd_halves v, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[(uint16_t)offsets.at[i]] = (int8_t)v.at[i];
    }
}

static inline void tinykd_scatter_halves(int8_t *to, tinykd_halves offsets, tinykd_halves v)
{
    tinykd_scatter_some_halves(to, offsets, v, 8);
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

typedef tinykd_words tinykd_requantizing(tinykd_words sums, const int32_t *scaling);

/* Sums of four channels to the output's scale, rounded twice: `scaling` holds their biases, multipliers and shifts (-31 to -1). */
TINYKD_INLINE tinykd_words tinykd_requantize_words(tinykd_words sums, const int32_t *scaling)
{
    const tinykd_words biased = tinykd_add_words(sums, tinykd_load_words(scaling));
    const tinykd_words high = tinykd_multiply_words_rounding(biased, tinykd_load_words(scaling + 4));
    return tinykd_shift_words(tinykd_add_words(high, tinykd_sign_words(high)), tinykd_load_words(scaling + 8));
}

/* The same where outputs below the zero point are clamped to it, so that negative sums may be rounded in any way. */
TINYKD_INLINE tinykd_words tinykd_requantize_positive_words(tinykd_words sums, const int32_t *scaling)
{
    const tinykd_words biased = tinykd_add_words(sums, tinykd_load_words(scaling));
    return tinykd_shift_words(tinykd_multiply_words_rounding(biased, tinykd_load_words(scaling + 4)), tinykd_load_words(scaling + 8));
}

/* The same rounded once, ties up. */
TINYKD_INLINE tinykd_words tinykd_requantize_words_once(tinykd_words sums, const int32_t *scaling)
{
    const tinykd_words biased = tinykd_add_words(sums, tinykd_load_words(scaling));
    return tinykd_shift_words(tinykd_multiply_words(biased, tinykd_load_words(scaling + 4)), tinykd_load_words(scaling + 8));
}

/* Clamps what is narrower than a byte, in place. */
TINYKD_INLINE void tinykd_clamp_in_place(int8_t *at, int32_t count, int32_t low, int32_t high)
{
    for (; count > 0; count -= 16, at += 16) {
        const int32_t some = count < 16 ? count : 16;
        tinykd_store_some_bytes(at, tinykd_clamp_bytes(tinykd_load_some_bytes(at, some), low, high), some);
    }
}

#endif
