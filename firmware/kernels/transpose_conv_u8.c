/* SPDX-License-Identifier: Apache-2.0
 * TRANSPOSE_CONV with uint8 weights, portable C99: the specification that every faster kernel must equal.
 * It gathers what each output pixel receives, so it needs no accumulators beyond one. */
#include "tinykd/requantize.h"
#include "tinykd/transpose_convolution.h"

static int32_t gather_u8(const struct tinykd_transpose_conv_u8 *p, const int8_t *input, int32_t y, int32_t x, int32_t channel)
{
    const uint8_t *filter = p->weights + channel * p->kernel_height * p->kernel_width * p->in_channels;
    const int32_t bottom = y + p->pad_top;
    const int32_t right = x + p->pad_left;
    int32_t sum = p->bias[channel];

    /* taps that fall between input pixels add nothing: start at the first that meets one, step by the stride */
    for (int32_t i = bottom % p->stride_height; i < p->kernel_height && i <= bottom; i += p->stride_height) {
        const int32_t row = (bottom - i) / p->stride_height;
        if (row >= p->in_height) {
            continue;
        }
        for (int32_t j = right % p->stride_width; j < p->kernel_width && j <= right; j += p->stride_width) {
            const int32_t column = (right - j) / p->stride_width;
            if (column >= p->in_width) {
                continue;
            }
            const int8_t *in = input + (row * p->in_width + column) * p->in_channels;
            const uint8_t *weight = filter + (i * p->kernel_width + j) * p->in_channels;

            for (int32_t d = 0; d < p->in_channels; ++d) {
                sum += (weight[d] - p->weights_zero_point) * (in[d] - p->input_zero_point);
            }
        }
    }
    return sum;
}

void tinykd_transpose_conv_u8(const struct tinykd_transpose_conv_u8 *p, const int8_t *input, int8_t *output)
{
    for (int32_t b = 0; b < p->batch; ++b, input += p->in_height * p->in_width * p->in_channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                for (int32_t c = 0; c < p->out_channels; ++c) {
                    const int32_t scaled = tinykd_requantize(gather_u8(p, input, y, x, c), p->multipliers[c], p->shifts[c]);
                    *output++ = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
                }
            }
        }
    }
}
