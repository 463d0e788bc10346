/* SPDX-License-Identifier: Apache-2.0
 * Rows of int8 divided by their Euclidean length; the output has scale 1/128 and zero point 0. */
#ifndef TINYKD_L2_NORMALIZATION_H
#define TINYKD_L2_NORMALIZATION_H

#include <stdint.h>

struct tinykd_l2_normalization {
    int32_t rows, depth;
    int32_t input_zero_point;
};

void tinykd_l2_normalization_s8(const struct tinykd_l2_normalization *p, const int8_t *input, int8_t *output);

#endif
