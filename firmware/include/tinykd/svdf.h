/* SPDX-License-Identifier: Apache-2.0
 * SVDF: a filter over features, then one over the last `memory` of its results, that are the state. */
#ifndef TINYKD_SVDF_H
#define TINYKD_SVDF_H

#include <stdint.h>

/* newest = saturate(requantize(feature_weights (x - input_zero_point)))
 * out = saturate(requantize(bias + sum over rank and memory of time_weights * state) + output_zero_point)
 * The last sum wraps at 32 bits. */
struct tinykd_svdf {
    int32_t batches, inputs, units, rank, memory;
    const int8_t *feature_weights; /* [units * rank, inputs] */
    const void *time_weights;      /* [units * rank, memory], of the state's type */
    const int32_t *bias;           /* [units] */
    int32_t input_zero_point, output_zero_point;
    int32_t feature_multiplier, feature_shift;
    int32_t output_multiplier, output_shift;
};

/* state [batches, units * rank, memory], newest last, is read and overwritten. */
void tinykd_svdf_s8_s16(const struct tinykd_svdf *p, const int8_t *input, int16_t *state, int8_t *output);
void tinykd_svdf_s8_s8(const struct tinykd_svdf *p, const int8_t *input, int8_t *state, int8_t *output);

#endif
