/* SPDX-License-Identifier: Apache-2.0
 * PRELU, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/elementwise.h"
#include "tinykd/requantize.h"

static void prelu_row(const struct tinykd_prelu *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < p->size_3; ++i, a += p->a_step_3, b += p->b_step_3) {
        const int32_t x = *a - p->input_zero_point;
        const int32_t scaled = x >= 0 ? tinykd_requantize(x, p->positive_multiplier, p->positive_shift)
                                      : tinykd_requantize(x * (*b - p->alpha_zero_point), p->negative_multiplier,
                                                          p->negative_shift);
        output[i] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, INT8_MIN, INT8_MAX);
    }
}

void tinykd_prelu_s8(const struct tinykd_prelu *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k, output += p->size_3) {
                prelu_row(p, a + i * p->a_step_0 + j * p->a_step_1 + k * p->a_step_2,
                          b + i * p->b_step_0 + j * p->b_step_1 + k * p->b_step_2, output);
            }
        }
    }
}
