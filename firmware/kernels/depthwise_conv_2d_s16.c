/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/depthwise_convolution.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

void tinykd_depthwise_conv_2d_s16(const struct tinykd_depthwise_conv_2d_s16 *p, const int16_t *input, int16_t *output)
{
    const int32_t out_channels = p->in_channels * p->multiplier;
    const int32_t in_row = p->in_width * p->in_channels;
    const int32_t filter_row = p->kernel_width * out_channels;
    const int32_t in_step = p->dilation_width * p->in_channels;

    for (int32_t b = 0; b < p->batch; ++b, input += p->in_height * in_row) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const int32_t top = y * p->stride_height - p->pad_top;
            const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, p->dilation_height);

            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t left = x * p->stride_width - p->pad_left;
                const struct tinykd_taps columns =
                    tinykd_taps_inside(left, p->in_width, p->kernel_width, p->dilation_width);
                const int32_t first_column = (left + columns.first * p->dilation_width) * p->in_channels;

                for (int32_t c = 0; c < out_channels; ++c) {
                    const int32_t channel = c / p->multiplier;
                    int64_t sum = p->bias[c];

                    for (int32_t i = rows.first; i < rows.end; ++i) {
                        const int32_t line = (top + i * p->dilation_height) * in_row;
                        const int16_t *in = input + line + first_column + channel;
                        const int8_t *weight = p->weights + i * filter_row + columns.first * out_channels + c;

                        for (int32_t j = columns.first; j < columns.end; ++j) {
                            sum += *weight * *in;
                            in += in_step;
                            weight += out_channels;
                        }
                    }
                    const int32_t scaled = tinykd_requantize_wide(sum, p->multipliers[c], p->shifts[c]);
                    *output++ = (int16_t)tinykd_clamp(scaled, p->clamp_low, p->clamp_high);
                }
            }
        }
    }
}
