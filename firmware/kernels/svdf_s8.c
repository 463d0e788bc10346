/* SPDX-License-Identifier: Apache-2.0
 * SVDF with a state of int8, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/requantize.h"
#include "tinykd/svdf.h"

/* What filter f makes of one input vector. */
static int8_t feature_s8(const struct tinykd_svdf *p, int32_t f, const int8_t *x)
{
    const int8_t *weights = p->feature_weights + f * p->inputs;
    int32_t sum = 0;

    for (int32_t i = 0; i < p->inputs; ++i) {
        sum += weights[i] * (x[i] - p->input_zero_point);
    }
    return (int8_t)tinykd_clamp(tinykd_requantize(sum, p->feature_multiplier, p->feature_shift), INT8_MIN, INT8_MAX);
}

void tinykd_svdf_s8_s8(const struct tinykd_svdf *p, const int8_t *input, int8_t *state, int8_t *output)
{
    const int8_t *const time_weights = (const int8_t *)p->time_weights;

    for (int32_t b = 0; b < p->batches; ++b, input += p->inputs) {
        for (int32_t u = 0; u < p->units; ++u, ++output) {
            uint32_t sum = (uint32_t)p->bias[u]; /* unsigned, so that wrapping is defined */
            for (int32_t f = u * p->rank; f < (u + 1) * p->rank; ++f, state += p->memory) {
                const int8_t *weights = time_weights + f * p->memory;
                for (int32_t m = 0; m < p->memory; ++m) {
                    state[m] = m + 1 < p->memory ? state[m + 1] : feature_s8(p, f, input);
                    sum += (uint32_t)(weights[m] * state[m]);
                }
            }
            const int32_t scaled = tinykd_requantize((int32_t)sum, p->output_multiplier, p->output_shift);
            *output = (int8_t)tinykd_clamp(scaled + p->output_zero_point, -128, 127);
        }
    }
}
