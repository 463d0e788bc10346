/* SPDX-License-Identifier: Apache-2.0
 * Integers on one scale to integers on another. */
#ifndef TINYKD_REQUANTIZATION_H
#define TINYKD_REQUANTIZATION_H

#include <stdint.h>

/* out = saturate(requantize(in - input_zero_point) + output_zero_point) */
struct tinykd_requantization {
    int32_t elements;
    int32_t input_zero_point, output_zero_point;
    int32_t multiplier, shift;
};

void tinykd_requantize_s32_s8(const struct tinykd_requantization *p, const int32_t *input, int8_t *output);
void tinykd_requantize_s32_s16(const struct tinykd_requantization *p, const int32_t *input, int16_t *output);
void tinykd_requantize_s16_s8(const struct tinykd_requantization *p, const int16_t *input, int8_t *output);
void tinykd_requantize_s16_s16(const struct tinykd_requantization *p, const int16_t *input, int16_t *output);
void tinykd_requantize_s8_s16(const struct tinykd_requantization *p, const int8_t *input, int16_t *output);

#endif
