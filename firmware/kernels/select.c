/* SPDX-License-Identifier: Apache-2.0
 * SELECT and SELECT_V2, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/select.h"

void tinykd_select(const struct tinykd_select *p, const uint8_t *condition, const void *x, const void *y, void *output)
{
    uint8_t *out = (uint8_t *)output;

    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k) {
                const uint8_t *c = condition + i * p->condition_step_0 + j * p->condition_step_1 + k * p->condition_step_2;
                const int32_t at_x = i * p->x_step_0 + j * p->x_step_1 + k * p->x_step_2;
                const int32_t at_y = i * p->y_step_0 + j * p->y_step_1 + k * p->y_step_2;
                for (int32_t l = 0; l < p->size_3; ++l) {
                    const uint8_t *from = c[l * p->condition_step_3] != 0u
                                              ? (const uint8_t *)x + (at_x + l * p->x_step_3) * p->item
                                              : (const uint8_t *)y + (at_y + l * p->y_step_3) * p->item;
                    for (int32_t b = 0; b < p->item; ++b) {
                        *out++ = from[b];
                    }
                }
            }
        }
    }
}
