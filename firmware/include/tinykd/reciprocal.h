/* SPDX-License-Identifier: Apache-2.0
 * Reciprocal in fixed point. */
#ifndef TINYKD_RECIPROCAL_H
#define TINYKD_RECIPROCAL_H

#include <stdint.h>

#include "tinykd/requantize.h"
#include "tinykd/saturate.h"

/* 1 / (1 + x) for x from 0 to 1, both Q0.31: three steps of Newton's method in Q2.29. */
static inline int32_t tinykd_one_over_one_plus(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t guess = 1515870810 + tinykd_high_multiply(half_denominator, -1010580540); /* 48/17 - 32/17 * d */

    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = ((int32_t)1 << 29) - tinykd_high_multiply(half_denominator, guess);
        guess += tinykd_shift_left_saturating(tinykd_high_multiply(guess, error), 2);
    }
    return tinykd_shift_left_saturating(guess, 1);
}

#endif
