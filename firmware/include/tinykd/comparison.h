/* SPDX-License-Identifier: Apache-2.0
 * Comparisons of two int8 tensors on scales of their own; the output is 0 or 1. */
#ifndef TINYKD_COMPARISON_H
#define TINYKD_COMPARISON_H

#include <stdint.h>

/* out = requantize((a - a_zero_point) * 256) ? requantize((b - b_zero_point) * 256); loops as in elementwise.h */
struct tinykd_comparison {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
    int32_t a_zero_point, a_multiplier, a_shift;
    int32_t b_zero_point, b_multiplier, b_shift;
};

void tinykd_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output);
void tinykd_not_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output);
void tinykd_less_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output);
void tinykd_less_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output);

#endif
