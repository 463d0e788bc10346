/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED of int16 with sums of 32 bits, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/fully_connected.h"
#include "tinykd/requantize.h"

static int32_t dot_s16_narrow(const struct tinykd_fully_connected *p, const int16_t *input, int32_t channel)
{
    const int8_t *weights = p->weights + channel * p->depth;
    int32_t sum = p->bias[channel];

    for (int32_t d = 0; d < p->depth; ++d) {
        sum += weights[d] * input[d];
    }
    return sum;
}

void tinykd_fully_connected_double_s16_narrow(const struct tinykd_fully_connected *p, const int16_t *input,
                                              int16_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        for (int32_t c = 0; c < p->channels; ++c) {
            const int32_t scaled = tinykd_requantize(dot_s16_narrow(p, input, c), p->multipliers[c], p->shifts[c]);
            *output++ = (int16_t)tinykd_clamp(scaled, p->clamp_low, p->clamp_high);
        }
    }
}
