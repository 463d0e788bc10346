/* SPDX-License-Identifier: Apache-2.0
 * QUANTIZE between integers wider than a byte, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/requantization.h"
#include "tinykd/requantize.h"

static int32_t requantized(const struct tinykd_requantization *p, int32_t x, int32_t low, int32_t high)
{
    const int32_t scaled = tinykd_requantize(x - p->input_zero_point, p->multiplier, p->shift);
    return scaled > high - p->output_zero_point ? high
           : scaled < low - p->output_zero_point ? low
                                                 : scaled + p->output_zero_point;
}

void tinykd_requantize_s32_s8(const struct tinykd_requantization *p, const int32_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int8_t)requantized(p, input[i], INT8_MIN, INT8_MAX);
    }
}

void tinykd_requantize_s32_s16(const struct tinykd_requantization *p, const int32_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)requantized(p, input[i], INT16_MIN, INT16_MAX);
    }
}

void tinykd_requantize_s16_s8(const struct tinykd_requantization *p, const int16_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int8_t)requantized(p, input[i], INT8_MIN, INT8_MAX);
    }
}

void tinykd_requantize_s16_s16(const struct tinykd_requantization *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)requantized(p, input[i], INT16_MIN, INT16_MAX);
    }
}

void tinykd_requantize_s8_s16(const struct tinykd_requantization *p, const int8_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)requantized(p, input[i], INT16_MIN, INT16_MAX);
    }
}
