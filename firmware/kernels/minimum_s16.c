/* SPDX-License-Identifier: Apache-2.0
 * MINIMUM of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/elementwise.h"

static void minimum_row_s16(const struct tinykd_pairs *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t i = 0; i < p->size_3; ++i, a += p->a_step_3, b += p->b_step_3) {
        output[i] = *a < *b ? *a : *b;
    }
}

void tinykd_minimum_s16(const struct tinykd_pairs *p, const int16_t *a, const int16_t *b, int16_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k, output += p->size_3) {
                minimum_row_s16(p, a + i * p->a_step_0 + j * p->a_step_1 + k * p->a_step_2,
                                b + i * p->b_step_0 + j * p->b_step_1 + k * p->b_step_2, output);
            }
        }
    }
}
