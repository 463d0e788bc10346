/* SPDX-License-Identifier: Apache-2.0
 * Saturating fixed-point arithmetic, as gemmlowp's fixedpoint.h defines it. */
#ifndef TINYKD_SATURATE_H
#define TINYKD_SATURATE_H

#include <stdint.h>

/* x * 2^bits, saturated; 0 <= bits <= 30. */
static inline int32_t tinykd_shift_left_saturating(int32_t x, int32_t bits)
{
    const int32_t limit = INT32_MAX >> bits;
    return x > limit ? INT32_MAX : x < -limit - 1 ? INT32_MIN : x * ((int32_t)1 << bits);
}

/* Leading zero bits of x > 0. */
static inline int32_t tinykd_leading_zeros(uint32_t x)
{
    int32_t zeros = 0;
    while (x < 0x80000000u) {
        x <<= 1;
        ++zeros;
    }
    return zeros;
}

#endif
