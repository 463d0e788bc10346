/* SPDX-License-Identifier: Apache-2.0
 * Two products at once: the DSP instructions of Cortex-M4, M7, M33 and M55, and the same integers in plain C elsewhere.
 * A word holds two halfwords, or four bytes; words are little-endian and lie on addresses that are multiples of 4. */
#ifndef TINYKD_DSP_H
#define TINYKD_DSP_H

#include <stdint.h>

/* Four bytes as a word. */
static inline uint32_t tinykd_load_word(const int8_t *aligned)
{
    uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(aligned, 4), sizeof word);
    return word;
}

static inline void tinykd_store_word(int8_t *aligned, uint32_t word)
{
    __builtin_memcpy(__builtin_assume_aligned(aligned, 4), &word, sizeof word);
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
/* The instructions by name: GCC's arm_acle.h lacks some of them before version 14. None touches memory or flags. */
#define TINYKD_INSTRUCTION(name, text)                                                                                 \
    static inline uint32_t tinykd_##name(uint32_t a, uint32_t b)                                                       \
    {                                                                                                                  \
        uint32_t r;                                                                                                    \
        __asm__(text : "=r"(r) : "r"(a), "r"(b));                                                                      \
        return r;                                                                                                      \
    }
TINYKD_INSTRUCTION(sxtab16, "sxtab16 %0, %1, %2")
TINYKD_INSTRUCTION(sxtab16_ror8, "sxtab16 %0, %1, %2, ror #8")

static inline uint32_t tinykd_sxtb16(uint32_t a)
{
    uint32_t r;
    __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(a));
    return r;
}

static inline uint32_t tinykd_sxtb16_ror8(uint32_t a)
{
    uint32_t r;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(a));
    return r;
}

/* Within -128 to 127. */
static inline int32_t tinykd_ssat8(int32_t a)
{
    int32_t r;
    __asm__("ssat %0, #8, %1" : "=r"(r) : "r"(a) : "cc");
    return r;
}

/* a >> 1 within -128 to 127. */
static inline int32_t tinykd_ssat8_of_half(int32_t a)
{
    int32_t r;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(r) : "r"(a) : "cc");
    return r;
}

/* a >> 10 within -128 to 127. */
static inline int32_t tinykd_ssat8_of_1024th(int32_t a)
{
    int32_t r;
    __asm__("ssat %0, #8, %1, asr #10" : "=r"(r) : "r"(a) : "cc");
    return r;
}

/* ((c << 32) + a * b) >> 32, and the same with 2^31 added before the shift. */
static inline int32_t tinykd_smmla(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smmla %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

static inline int32_t tinykd_smmlar(int32_t a, int32_t b, int32_t c)
{
    int32_t r;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(c));
    return r;
}

/* The low halfwords of both, the first one low. */
static inline uint32_t tinykd_pack(int32_t low, int32_t high)
{
    uint32_t r;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(low), "r"(high));
    return r;
}

/* The high halfwords of both, the first one low. */
static inline uint32_t tinykd_pack_high(uint32_t low, uint32_t high)
{
    uint32_t r;
    __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(r) : "r"(low), "r"(high));
    return r;
}

/* The larger of each pair of bytes: the difference sets the flags by which the bytes are selected. */
static inline uint32_t tinykd_largest_bytes(uint32_t a, uint32_t b)
{
    uint32_t r;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b) : "cc");
    return r;
}

#define TINYKD_PRODUCT(name, text)                                                                                     \
    static inline int32_t tinykd_##name(uint32_t a, uint32_t b, int32_t sum)                                           \
    {                                                                                                                  \
        int32_t r;                                                                                                     \
        __asm__(text : "=r"(r) : "r"(a), "r"(b), "r"(sum));                                                            \
        return r;                                                                                                      \
    }
TINYKD_PRODUCT(smlad, "smlad %0, %1, %2, %3")
TINYKD_PRODUCT(smlabb, "smlabb %0, %1, %2, %3")
TINYKD_PRODUCT(smlabt, "smlabt %0, %1, %2, %3")
#else
static inline int32_t tinykd_low_half(uint32_t a)
{
    return (int32_t)(int16_t)(uint16_t)(a & 0xFFFFu);
}

static inline int32_t tinykd_high_half(uint32_t a)
{
    return (int32_t)(int16_t)(uint16_t)(a >> 16);
}

static inline uint32_t tinykd_halves(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xFFFFu) | ((uint32_t)high << 16);
}

/* The low halfwords of both, the first one low. */
static inline uint32_t tinykd_pack(int32_t low, int32_t high)
{
    return tinykd_halves(low, high);
}

/* The high halfwords of both, the first one low. */
static inline uint32_t tinykd_pack_high(uint32_t low, uint32_t high)
{
    return (low >> 16) | (high & 0xFFFF0000u);
}

/* The larger of each pair of bytes. */
static inline uint32_t tinykd_largest_bytes(uint32_t a, uint32_t b)
{
    uint32_t r = 0;
    for (uint32_t shift = 0; shift < 32u; shift += 8u) {
        const int8_t x = (int8_t)(uint8_t)(a >> shift & 0xFFu), y = (int8_t)(uint8_t)(b >> shift & 0xFFu);
        r |= (uint32_t)(uint8_t)(x > y ? x : y) << shift;
    }
    return r;
}

/* Within -128 to 127. */
static inline int32_t tinykd_ssat8(int32_t a)
{
    return a < -128 ? -128 : a > 127 ? 127 : a;
}

/* a >> 1 within -128 to 127. */
static inline int32_t tinykd_ssat8_of_half(int32_t a)
{
    return tinykd_ssat8(a >> 1);
}

/* a >> 10 within -128 to 127. */
static inline int32_t tinykd_ssat8_of_1024th(int32_t a)
{
    return tinykd_ssat8(a >> 10);
}

/* ((c << 32) + a * b) >> 32, and the same with 2^31 added before the shift; the sum of both must fit 32 bits. */
static inline int32_t tinykd_smmla(int32_t a, int32_t b, int32_t c)
{
    return c + (int32_t)(((int64_t)a * b) >> 32);
}

static inline int32_t tinykd_smmlar(int32_t a, int32_t b, int32_t c)
{
    return c + (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32);
}

/* Bytes 0 and 2, sign-extended to halfwords. */
static inline uint32_t tinykd_sxtb16(uint32_t a)
{
    return tinykd_halves((int8_t)(uint8_t)(a & 0xFFu), (int8_t)(uint8_t)((a >> 16) & 0xFFu));
}

/* Bytes 1 and 3, sign-extended to halfwords. */
static inline uint32_t tinykd_sxtb16_ror8(uint32_t a)
{
    return tinykd_sxtb16(a >> 8);
}

/* The halfwords of `a` plus bytes 0 and 2 of `b`. */
static inline uint32_t tinykd_sxtab16(uint32_t a, uint32_t b)
{
    const uint32_t wide = tinykd_sxtb16(b);
    return tinykd_halves(tinykd_low_half(a) + tinykd_low_half(wide), tinykd_high_half(a) + tinykd_high_half(wide));
}

/* The halfwords of `a` plus bytes 1 and 3 of `b`. */
static inline uint32_t tinykd_sxtab16_ror8(uint32_t a, uint32_t b)
{
    return tinykd_sxtab16(a, b >> 8);
}

/* sum + low * low + high * high */
static inline int32_t tinykd_smlad(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + tinykd_low_half(a) * tinykd_low_half(b) + tinykd_high_half(a) * tinykd_high_half(b);
}

/* sum + low * low */
static inline int32_t tinykd_smlabb(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + tinykd_low_half(a) * tinykd_low_half(b);
}

/* sum + low * high */
static inline int32_t tinykd_smlabt(uint32_t a, uint32_t b, int32_t sum)
{
    return sum + tinykd_low_half(a) * tinykd_high_half(b);
}

#endif

/* Minus the zero point in both halves: with sxtab16 it turns bytes into inputs less their zero point at no cost. */
static inline uint32_t tinykd_minus_in_halves(int32_t zero_point)
{
    const uint32_t half = (uint32_t)(-zero_point) & 0xFFFFu;
    return half | half << 16;
}

#endif
