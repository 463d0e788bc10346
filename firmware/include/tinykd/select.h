/* SPDX-License-Identifier: Apache-2.0
 * SELECT: elements of x where the condition holds, of y elsewhere. */
#ifndef TINYKD_SELECT_H
#define TINYKD_SELECT_H

#include <stdint.h>

/* Steps are in elements, 0 where an operand is repeated; loops as in elementwise.h. */
struct tinykd_select {
    int32_t item; /* bytes of an element of x, y and output */
    int32_t size_0, size_1, size_2, size_3;
    int32_t condition_step_0, condition_step_1, condition_step_2, condition_step_3;
    int32_t x_step_0, x_step_1, x_step_2, x_step_3;
    int32_t y_step_0, y_step_1, y_step_2, y_step_3;
};

void tinykd_select(const struct tinykd_select *p, const uint8_t *condition, const void *x, const void *y, void *output);

#endif
