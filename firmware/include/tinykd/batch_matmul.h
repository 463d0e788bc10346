/* SPDX-License-Identifier: Apache-2.0
 * Products of int8 matrices, none of them a constant that the compiler knows. */
#ifndef TINYKD_BATCH_MATMUL_H
#define TINYKD_BATCH_MATMUL_H

#include <stdint.h>

/* Four nested loops of size_0 (outermost) to size_3 visit the output's matrices; a step is how many elements an operand
 * moves with each turn, 0 where its matrix is repeated. Steps within a matrix say how it is stored.
 * out = saturate(requantize(sum((a - a_zero_point) * (b - b_zero_point))) + output_zero_point) */
struct tinykd_batch_matmul {
    int32_t size_0, size_1, size_2, size_3;
    int32_t a_step_0, a_step_1, a_step_2, a_step_3;
    int32_t b_step_0, b_step_1, b_step_2, b_step_3;
    int32_t rows, depth, columns;
    int32_t a_row_step, a_depth_step;
    int32_t b_column_step, b_depth_step;
    int32_t a_zero_point, b_zero_point;
    int32_t output_zero_point, output_multiplier, output_shift;
};

void tinykd_batch_matmul_s8(const struct tinykd_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *output);

#endif
