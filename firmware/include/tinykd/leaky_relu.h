/* SPDX-License-Identifier: Apache-2.0
 * Leaky ReLU of int16 with zero points 0. */
#ifndef TINYKD_LEAKY_RELU_H
#define TINYKD_LEAKY_RELU_H

#include <stdint.h>

/* out = saturate(requantize(in)) with one multiplier from zero up and another below */
struct tinykd_leaky_relu {
    int32_t elements;
    int32_t positive_multiplier, positive_shift;
    int32_t negative_multiplier, negative_shift;
};

void tinykd_leaky_relu_s16(const struct tinykd_leaky_relu *p, const int16_t *input, int16_t *output);

#endif
