/* SPDX-License-Identifier: Apache-2.0
 * Reductions of int8 or int16 tensors over any axes.
 *
 * Three nested loops (0 outermost) visit the output over the axes that are kept; for each element three more gather what
 * is reduced. A step is how many elements a loop's turn moves in the input. */
#ifndef TINYKD_REDUCTION_H
#define TINYKD_REDUCTION_H

#include <stdint.h>

/* out = saturate(requantize(sum - total_zero_point) + output_zero_point); the multiplier includes 1 / count */
struct tinykd_mean {
    int32_t kept_size_0, kept_size_1, kept_size_2;
    int32_t reduced_size_0, reduced_size_1, reduced_size_2;
    int32_t kept_step_0, kept_step_1, kept_step_2;
    int32_t reduced_step_0, reduced_step_1, reduced_step_2;
    int32_t total_zero_point; /* count * input zero point */
    int32_t multiplier, shift;
    int32_t output_zero_point;
};

void tinykd_mean_s8(const struct tinykd_mean *p, const int8_t *input, int8_t *output);
void tinykd_mean_s16(const struct tinykd_mean *p, const int16_t *input, int16_t *output);

struct tinykd_reduction {
    int32_t kept_size_0, kept_size_1, kept_size_2;
    int32_t reduced_size_0, reduced_size_1, reduced_size_2;
    int32_t kept_step_0, kept_step_1, kept_step_2;
    int32_t reduced_step_0, reduced_step_1, reduced_step_2;
};

void tinykd_reduce_max_s8(const struct tinykd_reduction *p, const int8_t *input, int8_t *output);
void tinykd_reduce_max_s16(const struct tinykd_reduction *p, const int16_t *input, int16_t *output);
void tinykd_reduce_min_s8(const struct tinykd_reduction *p, const int8_t *input, int8_t *output);
void tinykd_reduce_min_s16(const struct tinykd_reduction *p, const int16_t *input, int16_t *output);

#endif
