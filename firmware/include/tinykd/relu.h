/* SPDX-License-Identifier: Apache-2.0
 * Clamps of int16 with zero points 0. */
#ifndef TINYKD_RELU_H
#define TINYKD_RELU_H

#include <stdint.h>

/* out = clamp(requantize(in)) */
struct tinykd_relu {
    int32_t elements;
    int32_t multiplier, shift;
    int32_t clamp_low, clamp_high;
};

void tinykd_relu_s16(const struct tinykd_relu *p, const int16_t *input, int16_t *output);

#endif
