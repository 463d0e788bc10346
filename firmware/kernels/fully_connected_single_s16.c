/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED of int16 rounded once, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/fully_connected.h"
#include "tinykd/requantize.h"

static int64_t dot_single_s16(const struct tinykd_fully_connected_single_s16 *p, const int16_t *input, int32_t channel)
{
    const int8_t *weights = p->weights + channel * p->depth;
    int64_t sum = p->bias[channel];

    for (int32_t d = 0; d < p->depth; ++d) {
        sum += weights[d] * input[d];
    }
    return sum;
}

/* round(sum * (multiplier + low_multiplier / 2^low_bits) / 2^shift), ties away from zero; each product is below 2^62. */
static int32_t requantize_single_s16(const struct tinykd_fully_connected_single_s16 *p, int64_t sum, int32_t channel)
{
    const int64_t magnitude = sum < 0 ? -sum : sum;
    const int64_t low = (magnitude * p->low_multipliers[channel]) >> p->low_bits;
    const int64_t half = (int64_t)1 << (p->shifts[channel] - 1);
    const int32_t scaled = (int32_t)((magnitude * p->multipliers[channel] + low + half) >> p->shifts[channel]);
    return sum < 0 ? -scaled : scaled;
}

void tinykd_fully_connected_single_s16(const struct tinykd_fully_connected_single_s16 *p, const int16_t *input,
                                       int16_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        for (int32_t c = 0; c < p->channels; ++c) {
            const int32_t scaled = requantize_single_s16(p, dot_single_s16(p, input, c), c);
            *output++ = (int16_t)tinykd_clamp(scaled, p->clamp_low, p->clamp_high);
        }
    }
}
