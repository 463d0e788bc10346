/* SPDX-License-Identifier: Apache-2.0
 * REDUCE_MAX of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/reduction.h"

static int16_t largest_of_s16(const struct tinykd_reduction *p, const int16_t *input)
{
    int16_t largest = INT16_MIN;

    for (int32_t i = 0; i < p->reduced_size_0; ++i) {
        for (int32_t j = 0; j < p->reduced_size_1; ++j) {
            const int16_t *in = input + i * p->reduced_step_0 + j * p->reduced_step_1;

            for (int32_t k = 0; k < p->reduced_size_2; ++k, in += p->reduced_step_2) {
                largest = *in > largest ? *in : largest;
            }
        }
    }
    return largest;
}

void tinykd_reduce_max_s16(const struct tinykd_reduction *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->kept_size_0; ++i) {
        for (int32_t j = 0; j < p->kept_size_1; ++j) {
            const int16_t *in = input + i * p->kept_step_0 + j * p->kept_step_1;

            for (int32_t k = 0; k < p->kept_size_2; ++k, in += p->kept_step_2) {
                *output++ = largest_of_s16(p, in);
            }
        }
    }
}
