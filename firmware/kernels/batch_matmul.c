/* SPDX-License-Identifier: Apache-2.0
 * BATCH_MATMUL, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/batch_matmul.h"
#include "tinykd/requantize.h"

/* One product of two matrices; returns the end of the output. */
static int8_t *multiply(const struct tinykd_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row) {
        for (int32_t column = 0; column < p->columns; ++column) {
            const int8_t *left = a + row * p->a_row_step;
            const int8_t *right = b + column * p->b_column_step;
            int32_t sum = 0;

            for (int32_t d = 0; d < p->depth; ++d) {
                sum += (*left - p->a_zero_point) * (*right - p->b_zero_point);
                left += p->a_depth_step;
                right += p->b_depth_step;
            }
            const int32_t scaled = tinykd_requantize(sum, p->output_multiplier, p->output_shift);
            *output++ = (int8_t)tinykd_clamp(scaled + p->output_zero_point, INT8_MIN, INT8_MAX);
        }
    }
    return output;
}

void tinykd_batch_matmul_s8(const struct tinykd_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            const int8_t *left = a + i * p->a_step_0 + j * p->a_step_1;
            const int8_t *right = b + i * p->b_step_0 + j * p->b_step_1;

            for (int32_t k = 0; k < p->size_2; ++k) {
                for (int32_t m = 0; m < p->size_3; ++m) {
                    output = multiply(p, left + k * p->a_step_2 + m * p->a_step_3,
                                      right + k * p->b_step_2 + m * p->b_step_3, output);
                }
            }
        }
    }
}
