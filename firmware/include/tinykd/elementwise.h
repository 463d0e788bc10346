/* SPDX-License-Identifier: Apache-2.0
 * Elementwise operators of two tensors a and b, int8 (_s8) or int16 (_s16).
 *
 * Each walks its output through four nested loops of size_0 (outermost) to size_3. A step says how far an operand
 * moves with each turn of a loop, 0 where it is repeated. Equal shapes are a single loop size_3 of steps 1. */
#ifndef TINYKD_ELEMENTWISE_H
#define TINYKD_ELEMENTWISE_H

#include <stdint.h>

/* operand = requantize((q - zero_point) << n), out = clamp(requantize(f(a, b)) + output_zero_point)
 * with f = a + b or a - b and n = 20 (int8) or 15 (int16), or f = (a - b)^2 and n = 7 */
struct tinykd_sum {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
    int32_t a_zero_point, a_multiplier, a_shift;
    int32_t b_zero_point, b_multiplier, b_shift;
    int32_t output_zero_point, output_multiplier, output_shift;
    int32_t clamp_low, clamp_high;
};

void tinykd_add_s8(const struct tinykd_sum *p, const int8_t *a, const int8_t *b, int8_t *output);
void tinykd_add_s16(const struct tinykd_sum *p, const int16_t *a, const int16_t *b, int16_t *output);
void tinykd_sub_s8(const struct tinykd_sum *p, const int8_t *a, const int8_t *b, int8_t *output);
void tinykd_sub_s16(const struct tinykd_sum *p, const int16_t *a, const int16_t *b, int16_t *output);
void tinykd_squared_difference_s8(const struct tinykd_sum *p, const int8_t *a, const int8_t *b, int8_t *output);

/* out = clamp(requantize((a - a_zero_point) * (b - b_zero_point)) + output_zero_point) */
struct tinykd_product {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
    int32_t a_zero_point, b_zero_point;
    int32_t output_zero_point, output_multiplier, output_shift;
    int32_t clamp_low, clamp_high;
};

void tinykd_mul_s8(const struct tinykd_product *p, const int8_t *a, const int8_t *b, int8_t *output);
void tinykd_mul_s16(const struct tinykd_product *p, const int16_t *a, const int16_t *b, int16_t *output);

/* Equal shapes, for cores with DSP instructions; output_shift and output_z as finish.h takes them.
 * raised = b * b_factor + b_constant, out = clamp(finish(a * a_factor + (round(raised * b_multiplier / 2^32) + b_offset,
 * less 1 if negative) >> b_shift)) */
struct tinykd_scaled_sum {
    int32_t elements;
    int32_t a_factor;
    int32_t b_factor, b_constant;
    int32_t b_multiplier, b_offset, b_shift;
    int32_t output_multiplier, output_shift, output_z;
    int32_t clamp_low, clamp_high;
};

void tinykd_scaled_sum_dsp_s8(const struct tinykd_scaled_sum *p, const int8_t *a, const int8_t *b, int8_t *output);

/* out = clamp(finish((a - a_zero_point) * (b - b_zero_point))) */
struct tinykd_scaled_product {
    int32_t elements;
    int32_t a_zero_point, b_zero_point;
    int32_t output_multiplier, output_shift, output_z;
    int32_t clamp_low, clamp_high;
};

void tinykd_scaled_product_dsp_s8(const struct tinykd_scaled_product *p, const int8_t *a, const int8_t *b, int8_t *output);

/* x = a - input_zero_point, out = requantize(x) or, below zero, requantize(x * (b - alpha_zero_point)) */
struct tinykd_prelu {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
    int32_t input_zero_point, alpha_zero_point, output_zero_point;
    int32_t positive_multiplier, positive_shift;
    int32_t negative_multiplier, negative_shift;
};

void tinykd_prelu_s8(const struct tinykd_prelu *p, const int8_t *a, const int8_t *b, int8_t *output);

/* out = the larger or smaller integer of a and b */
struct tinykd_pairs {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
};

void tinykd_maximum_s8(const struct tinykd_pairs *p, const int8_t *a, const int8_t *b, int8_t *output);
void tinykd_maximum_s16(const struct tinykd_pairs *p, const int16_t *a, const int16_t *b, int16_t *output);
void tinykd_minimum_s8(const struct tinykd_pairs *p, const int8_t *a, const int8_t *b, int8_t *output);
void tinykd_minimum_s16(const struct tinykd_pairs *p, const int16_t *a, const int16_t *b, int16_t *output);

#endif
