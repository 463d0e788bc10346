/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D for cores with DSP instructions: multiplier 1, channels a multiple of 4, no dilation, one image.
 *
 * A word holds one tap of four channels. Two pixels share each unpacked word of weights:
 * 3 loads, 6 unpackings and 8 products for 8 multiply-accumulates. */
#include "tinykd/depthwise_convolution.h"
#include "tinykd/dsp.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

static int8_t depthwise_dsp_finish(const struct tinykd_depthwise_conv_2d *p, int32_t sum, int32_t c)
{
    const int32_t scaled = tinykd_requantize_down(sum, p->multipliers[c], p->shifts[c]);
    return (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
}

/* Taps [rows] x [columns] of channels c to c + 3: of one pixel, or of two that lie `apart` bytes apart. */
static void depthwise_dsp_single(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, const int8_t *weights, int32_t rows,
                                 int32_t columns, int32_t c, int8_t *output)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    const int32_t channels = p->in_channels;
    int32_t s0 = p->bias[c], s1 = p->bias[c + 1], s2 = p->bias[c + 2], s3 = p->bias[c + 3];

    for (int32_t i = 0; i < rows; ++i) {
        const int8_t *a = input + i * p->in_width * channels + c;
        const int8_t *f = weights + i * p->kernel_width * channels + c;

        for (int32_t j = 0; j < columns; ++j, a += channels, f += channels) {
            const uint32_t x = tinykd_load_word(a), v = tinykd_load_word(f);
            const uint32_t ve = tinykd_sxtb16(v), vo = tinykd_sxtb16_ror8(v);
            const uint32_t xe = tinykd_sxtab16(offset, x), xo = tinykd_sxtab16_ror8(offset, x);

            s0 = tinykd_smlabb(xe, ve, s0);
            s1 = tinykd_smlabb(xo, vo, s1);
            s2 = tinykd_smlatt(xe, ve, s2);
            s3 = tinykd_smlatt(xo, vo, s3);
        }
    }
    output[c] = depthwise_dsp_finish(p, s0, c);
    output[c + 1] = depthwise_dsp_finish(p, s1, c + 1);
    output[c + 2] = depthwise_dsp_finish(p, s2, c + 2);
    output[c + 3] = depthwise_dsp_finish(p, s3, c + 3);
}

static void depthwise_dsp_pair(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, const int8_t *weights, int32_t rows,
                               int32_t columns, int32_t apart, int32_t c, int8_t *output)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    const int32_t channels = p->in_channels;
    int32_t s0 = p->bias[c], s1 = p->bias[c + 1], s2 = p->bias[c + 2], s3 = p->bias[c + 3];
    int32_t t0 = s0, t1 = s1, t2 = s2, t3 = s3;

    for (int32_t i = 0; i < rows; ++i) {
        const int8_t *a = input + i * p->in_width * channels + c;
        const int8_t *f = weights + i * p->kernel_width * channels + c;

        for (int32_t j = 0; j < columns; ++j, a += channels, f += channels) {
            const uint32_t v = tinykd_load_word(f);
            const uint32_t ve = tinykd_sxtb16(v), vo = tinykd_sxtb16_ror8(v);
            const uint32_t x = tinykd_load_word(a), y = tinykd_load_word(a + apart);
            const uint32_t xe = tinykd_sxtab16(offset, x), xo = tinykd_sxtab16_ror8(offset, x);
            const uint32_t ye = tinykd_sxtab16(offset, y), yo = tinykd_sxtab16_ror8(offset, y);

            s0 = tinykd_smlabb(xe, ve, s0);
            s1 = tinykd_smlabb(xo, vo, s1);
            s2 = tinykd_smlatt(xe, ve, s2);
            s3 = tinykd_smlatt(xo, vo, s3);
            t0 = tinykd_smlabb(ye, ve, t0);
            t1 = tinykd_smlabb(yo, vo, t1);
            t2 = tinykd_smlatt(ye, ve, t2);
            t3 = tinykd_smlatt(yo, vo, t3);
        }
    }
    output[c] = depthwise_dsp_finish(p, s0, c);
    output[c + 1] = depthwise_dsp_finish(p, s1, c + 1);
    output[c + 2] = depthwise_dsp_finish(p, s2, c + 2);
    output[c + 3] = depthwise_dsp_finish(p, s3, c + 3);
    output += channels;
    output[c] = depthwise_dsp_finish(p, t0, c);
    output[c + 1] = depthwise_dsp_finish(p, t1, c + 1);
    output[c + 2] = depthwise_dsp_finish(p, t2, c + 2);
    output[c + 3] = depthwise_dsp_finish(p, t3, c + 3);
}

void tinykd_depthwise_conv_2d_dsp_s8(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->in_channels;
    const int32_t apart = p->stride_width * channels;

    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, 1);
        const int8_t *const line = input + (top + rows.first) * p->in_width * channels;
        const int8_t *const filter = p->weights + rows.first * p->kernel_width * channels;

        for (int32_t x = 0; x < p->out_width;) {
            const int32_t left = x * p->stride_width - p->pad_left;
            const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
            const struct tinykd_taps next = tinykd_taps_inside(left + p->stride_width, p->in_width, p->kernel_width, 1);
            const int8_t *const first = line + (left + columns.first) * channels;
            const int8_t *const weights = filter + columns.first * channels;
            const int alike = x + 1 < p->out_width && next.first == columns.first && next.end == columns.end;

            for (int32_t c = 0; c < channels; c += 4) {
                if (alike) {
                    depthwise_dsp_pair(p, first, weights, rows.end - rows.first, columns.end - columns.first, apart, c, output);
                } else {
                    depthwise_dsp_single(p, first, weights, rows.end - rows.first, columns.end - columns.first, c, output);
                }
            }
            x += alike ? 2 : 1;
            output += alike ? 2 * channels : channels;
        }
    }
}
