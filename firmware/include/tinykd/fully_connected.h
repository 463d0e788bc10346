/* SPDX-License-Identifier: Apache-2.0
 * Matrix product of int8 rows with constant int8 weights. */
#ifndef TINYKD_FULLY_CONNECTED_H
#define TINYKD_FULLY_CONNECTED_H

#include <stdint.h>

/* out = clamp(requantize(sum((in - input_zero_point) * weight) + bias) + output_zero_point) */
struct tinykd_fully_connected {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [channels, depth] */
    const int32_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
};

/* Input [rows, depth], output [rows, channels]. */
void tinykd_fully_connected_single_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);

#endif
