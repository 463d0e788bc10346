/* SPDX-License-Identifier: Apache-2.0
 * Logistic and tanh of int16 in 16-bit fixed point, exactly gemmlowp's integers.
 * Qi: i integer bits, 15 - i fractional bits, a sign. No sum here leaves 16 bits. */
#ifndef TINYKD_FIXED_POINT_16_H
#define TINYKD_FIXED_POINT_16_H

#include <stdint.h>

#include "tinykd/requantize.h"

#define TINYKD_ONE_16 32767 /* the largest Q0 number stands for 1 */

/* round(a * b / 2^15), ties away from zero; never are both -32768. */
static inline int32_t tinykd_multiply_16(int32_t a, int32_t b)
{
    const int32_t product = a * b;
    return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

static inline int32_t tinykd_saturate_16(int32_t x)
{
    return tinykd_clamp(x, -TINYKD_ONE_16 - 1, TINYKD_ONE_16);
}

/* exp(a) in Q0 for a <= 0 in Q(integer_bits), integer_bits <= 7: Taylor's series around -1/8, then factors exp(-2^k). */
static inline int32_t tinykd_exp_of_negative_16(int32_t a, int32_t integer_bits)
{
    static const int16_t power[7] = {25520, 19875, 12055, 4435, 600, 11, 0}; /* exp(-2^k), k = -2 to 4 */
    const int32_t fractional_bits = 15 - integer_bits;
    const int32_t quarter = 1 << (fractional_bits - 2);
    const int32_t fraction = (a & (quarter - 1)) - quarter;
    const int32_t remainder = fraction - a;
    const int32_t x = tinykd_saturate_16(fraction * (1 << integer_bits)) + (1 << 12);
    const int32_t square = tinykd_multiply_16(x, x);
    const int32_t cube = tinykd_multiply_16(square, x);
    const int32_t fourth = tinykd_multiply_16(square, square);
    const int32_t tail = tinykd_shift_right(tinykd_multiply_16(tinykd_shift_right(fourth, 2) + cube, 10923) + square, 1);
    int32_t result = tinykd_saturate_16(28918 + tinykd_multiply_16(x + tail, 28918));

    for (int32_t k = 0; k < integer_bits + 2 && k < 7; ++k) {
        if ((remainder & (quarter * (1 << k))) != 0) {
            result = tinykd_multiply_16(result, power[k]);
        }
    }
    if (a == 0) {
        return TINYKD_ONE_16;
    }
    return integer_bits > 5 && a < -(32 * (1 << fractional_bits)) ? 0 : result;
}

/* 2 / (1 + x) in Q2 for x in Q0 from 0 to 1: three steps of Newton's method. */
static inline int32_t tinykd_reciprocal_of_half_16(int32_t x)
{
    const int32_t half_denominator = (x + TINYKD_ONE_16 + 1) / 2;
    int32_t guess = 23130 + tinykd_multiply_16(half_denominator, -15420);

    for (int32_t k = 0; k < 3; ++k) {
        const int32_t error = (1 << 13) - tinykd_multiply_16(half_denominator, guess);
        guess += tinykd_saturate_16(tinykd_multiply_16(guess, error) * 4);
    }
    return guess;
}

/* 1 / (1 + exp(-a)) in Q0. */
static inline int32_t tinykd_logistic_16(int32_t a, int32_t integer_bits)
{
    const int32_t decayed = tinykd_exp_of_negative_16(a > 0 ? -a : a, integer_bits);
    const int32_t positive = tinykd_saturate_16(tinykd_reciprocal_of_half_16(decayed) * 2);

    return a == 0 ? 1 << 14 : a > 0 ? positive : TINYKD_ONE_16 - positive;
}

/* tanh(a) in Q0, integer_bits <= 6; exp(-2a) reads a with one integer bit more. */
static inline int32_t tinykd_tanh_16(int32_t a, int32_t integer_bits)
{
    const int32_t decayed = tinykd_exp_of_negative_16(a > 0 ? -a : a, integer_bits + 1);
    const int32_t magnitude = tinykd_saturate_16((tinykd_reciprocal_of_half_16(decayed) - (1 << 13)) * 4);

    return a == 0 ? 0 : a > 0 ? magnitude : -magnitude;
}

#endif
