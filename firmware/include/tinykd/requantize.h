/* SPDX-License-Identifier: Apache-2.0
 * Fixed-point requantization: real multiplier = multiplier * 2^(shift - 31), multiplier in [2^30, 2^31).
 * Exactly the integers of gemmlowp's SaturatingRoundingDoublingHighMul and RoundingDivideByPOT. */
#ifndef TINYKD_REQUANTIZE_H
#define TINYKD_REQUANTIZE_H

#include <stdint.h>

/* round(a * b / 2^31), ties up: gemmlowp's nudge and truncation come to just that, for products of either sign.
 * The compiler never makes b == INT32_MIN, so nothing saturates. */
static inline int32_t tinykd_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^exponent), ties away from zero; 0 <= exponent <= 31. */
static inline int32_t tinykd_shift_right(int32_t x, int32_t exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t remainder = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* x * multiplier * 2^(shift - 31), rounded twice. */
static inline int32_t tinykd_requantize(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t left = shift > 0 ? shift : 0;
    const int32_t right = shift > 0 ? 0 : -shift;
    return tinykd_shift_right(tinykd_high_multiply((int32_t)((uint32_t)x << left), multiplier), right);
}

/* x * multiplier * 2^(shift - 31), rounded once, ties away from zero. */
static inline int32_t tinykd_requantize_once(int32_t x, int32_t multiplier, int32_t shift)
{
    const int32_t right = 31 - shift;
    const int64_t half = (int64_t)1 << (right - 1);
    return (int32_t)(((int64_t)x * multiplier + half - (x < 0 ? 1 : 0)) >> right);
}

/* x * multiplier * 2^(shift - 31) with the multiplier cut to 16 bits, rounded once, ties up; -2^47 < x < 2^47, shift < 8.
 * The right shift of a negative x is arithmetic on every compiler that this is built with. */
static inline int32_t tinykd_requantize_wide(int64_t x, int32_t multiplier, int32_t shift)
{
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int32_t right = 15 - shift;
    return (int32_t)((x * reduced + ((int64_t)1 << (right - 1))) >> right);
}

static inline int32_t tinykd_clamp(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

#endif
