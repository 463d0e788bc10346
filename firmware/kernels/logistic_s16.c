/* SPDX-License-Identifier: Apache-2.0
 * LOGISTIC of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/sigmoid.h"

void tinykd_logistic_s16(const struct tinykd_sigmoid *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t x = (input[i] * p->multiplier + p->half) >> p->shift;
        const int32_t value = tinykd_sigmoid_between(p->points, x < 0 ? -x : x, 9, 0x7FFF << 10);
        const int32_t whole = x < 0 ? ((int32_t)1 << 25) - value - 1 : value;
        output[i] = (int16_t)((whole + (1 << 9)) >> 10);
    }
}
