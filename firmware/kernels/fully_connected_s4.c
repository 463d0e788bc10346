/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED with int4 weights, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/fully_connected.h"
#include "tinykd/nibble.h"
#include "tinykd/requantize.h"

static int32_t dot_s4(const struct tinykd_fully_connected_s4 *p, const int8_t *input, int32_t channel)
{
    const int32_t first = channel * p->depth;
    int32_t sum = p->bias[channel];

    for (int32_t d = 0; d < p->depth; ++d) {
        sum += tinykd_nibble(p->weights, first + d) * (input[d] - p->input_zero_point);
    }
    return sum;
}

void tinykd_fully_connected_single_s4(const struct tinykd_fully_connected_s4 *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        for (int32_t c = 0; c < p->channels; ++c) {
            const int32_t scaled = tinykd_requantize_once(dot_s4(p, input, c), p->multipliers[c], p->shifts[c]);
            *output++ = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}

void tinykd_fully_connected_double_s4(const struct tinykd_fully_connected_s4 *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        for (int32_t c = 0; c < p->channels; ++c) {
            const int32_t scaled = tinykd_requantize(dot_s4(p, input, c), p->multipliers[c], p->shifts[c]);
            *output++ = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}
