/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores without SIMD: four filters at a time. The zero point of the input is part of the biases. */
#include "tinykd/blocked.h"
#include "tinykd/fully_connected.h"
#include "tinykd/requantize.h"

static void fully_connected_blocked_sums(const struct tinykd_fully_connected *p, const int8_t *input, int32_t c, int32_t sums[4])
{
    const int32_t *const bias = p->bias + c;

    sums[0] = bias[0];
    sums[1] = bias[1];
    sums[2] = bias[2];
    sums[3] = bias[3];
    (void)tinykd_blocked_1x4(sums, input, p->weights + c * p->depth, p->depth);
}

void tinykd_fully_connected_single_blocked_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4];

    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            if ((c & 3) == 0) {
                fully_connected_blocked_sums(p, input, c, sums);
            }
            const int32_t scaled = tinykd_requantize_once(sums[c & 3], p->multipliers[c], p->shifts[c]);
            output[c] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}

void tinykd_fully_connected_double_blocked_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4];

    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            if ((c & 3) == 0) {
                fully_connected_blocked_sums(p, input, c, sums);
            }
            const int32_t scaled = tinykd_requantize(sums[c & 3], p->multipliers[c], p->shifts[c]);
            output[c] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}
