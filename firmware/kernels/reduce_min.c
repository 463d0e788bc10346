/* SPDX-License-Identifier: Apache-2.0
 * REDUCE_MIN, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/reduction.h"

static int8_t smallest_of(const struct tinykd_reduction *p, const int8_t *input)
{
    int8_t smallest = INT8_MAX;

    for (int32_t i = 0; i < p->reduced_size_0; ++i) {
        for (int32_t j = 0; j < p->reduced_size_1; ++j) {
            const int8_t *in = input + i * p->reduced_step_0 + j * p->reduced_step_1;

            for (int32_t k = 0; k < p->reduced_size_2; ++k, in += p->reduced_step_2) {
                smallest = *in < smallest ? *in : smallest;
            }
        }
    }
    return smallest;
}

void tinykd_reduce_min_s8(const struct tinykd_reduction *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->kept_size_0; ++i) {
        for (int32_t j = 0; j < p->kept_size_1; ++j) {
            const int8_t *in = input + i * p->kept_step_0 + j * p->kept_step_1;

            for (int32_t k = 0; k < p->kept_size_2; ++k, in += p->kept_step_2) {
                *output++ = smallest_of(p, in);
            }
        }
    }
}
