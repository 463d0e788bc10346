/* SPDX-License-Identifier: Apache-2.0
 * LOGISTIC and TANH of int16 with zero points 0, the output in Q0.15. */
#ifndef TINYKD_SIGMOID_H
#define TINYKD_SIGMOID_H

#include <stdint.h>

/* x = (in * multiplier + half) >> shift is on a scale of 1 / 12288 */
struct tinykd_sigmoid {
    int32_t elements;
    int32_t multiplier, shift;
    int32_t half;           /* 2^(shift - 1), or 0 */
    const uint16_t *points; /* [256] 1 / (1 + exp(-k / 24)) in Q0.16 */
};

void tinykd_logistic_s16(const struct tinykd_sigmoid *p, const int16_t *input, int16_t *output);
void tinykd_tanh_s16(const struct tinykd_sigmoid *p, const int16_t *input, int16_t *output);

/* The function of x >= 0 between its points, 2^bits apart, in Q0.16 with `bits` more; `beyond` after the last but one. */
static inline int32_t tinykd_sigmoid_between(const uint16_t *points, int32_t x, int32_t bits, int32_t beyond)
{
    const int32_t point = x >> bits;

    if (point >= 255) {
        return beyond;
    }
    const int32_t fraction = x & (((int32_t)1 << bits) - 1);
    return points[point] * ((int32_t)1 << bits) + fraction * (points[point + 1] - points[point]);
}

#endif
