/* SPDX-License-Identifier: Apache-2.0
 * MUL, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/elementwise.h"
#include "tinykd/requantize.h"

static void mul_row_s8(const struct tinykd_product *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < p->size_3; ++i, a += p->a_step_3, b += p->b_step_3) {
        const int32_t product = (*a - p->a_zero_point) * (*b - p->b_zero_point);
        const int32_t scaled = tinykd_requantize(product, p->output_multiplier, p->output_shift);
        output[i] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
    }
}

void tinykd_mul_s8(const struct tinykd_product *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k, output += p->size_3) {
                mul_row_s8(p, a + i * p->a_step_0 + j * p->a_step_1 + k * p->a_step_2,
                           b + i * p->b_step_0 + j * p->b_step_1 + k * p->b_step_2, output);
            }
        }
    }
}

static void mul_row_s16(const struct tinykd_product *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t i = 0; i < p->size_3; ++i, a += p->a_step_3, b += p->b_step_3) {
        const int32_t product = (*a - p->a_zero_point) * (*b - p->b_zero_point);
        const int32_t scaled = tinykd_requantize(product, p->output_multiplier, p->output_shift);
        output[i] = (int16_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
    }
}

void tinykd_mul_s16(const struct tinykd_product *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k, output += p->size_3) {
                mul_row_s16(p, a + i * p->a_step_0 + j * p->a_step_1 + k * p->a_step_2,
                            b + i * p->b_step_0 + j * p->b_step_1 + k * p->b_step_2, output);
            }
        }
    }
}
