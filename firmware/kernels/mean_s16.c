/* SPDX-License-Identifier: Apache-2.0
 * MEAN of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/reduction.h"
#include "tinykd/requantize.h"

static int32_t sum_of_s16(const struct tinykd_mean *p, const int16_t *input)
{
    int32_t sum = 0;

    for (int32_t i = 0; i < p->reduced_size_0; ++i) {
        for (int32_t j = 0; j < p->reduced_size_1; ++j) {
            const int16_t *in = input + i * p->reduced_step_0 + j * p->reduced_step_1;

            for (int32_t k = 0; k < p->reduced_size_2; ++k, in += p->reduced_step_2) {
                sum += *in;
            }
        }
    }
    return sum;
}

void tinykd_mean_s16(const struct tinykd_mean *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->kept_size_0; ++i) {
        for (int32_t j = 0; j < p->kept_size_1; ++j) {
            const int16_t *in = input + i * p->kept_step_0 + j * p->kept_step_1;

            for (int32_t k = 0; k < p->kept_size_2; ++k, in += p->kept_step_2) {
                const int32_t sum = sum_of_s16(p, in) - p->total_zero_point;
                const int32_t scaled = tinykd_requantize(sum, p->multiplier, p->shift);
                *output++ = (int16_t)tinykd_clamp(scaled + p->output_zero_point, INT16_MIN, INT16_MAX);
            }
        }
    }
}
