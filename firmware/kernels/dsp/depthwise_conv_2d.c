/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D for cores with DSP instructions: multiplier 1, channels a multiple of 4, no dilation, one image.
 *
 * A word holds one tap of four channels: 2 loads, 4 unpackings and 4 products for 4 multiply-accumulates. Four sums are what
 * the registers hold beside pointers; a second pixel that shared the weights would spill more than it saves. */
#include "tinykd/depthwise_convolution.h"
#include "tinykd/dsp.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

static int8_t depthwise_dsp_finish(const struct tinykd_depthwise_conv_2d *p, int32_t sum, int32_t c)
{
    const int32_t byte = tinykd_finish_s8(sum, p->multipliers[c], p->shifts[c], p->output_zero_point);
    return (int8_t)tinykd_clamp(byte, p->clamp_low, p->clamp_high);
}

/* Four sums of channels c to c + 3. */
struct depthwise_dsp_sums {
    int32_t s0, s1, s2, s3;
};

static inline struct depthwise_dsp_sums depthwise_dsp_tap(struct depthwise_dsp_sums s, uint32_t offset, const int8_t *a, const int8_t *f)
{
    const uint32_t x = tinykd_load_word(a), v = tinykd_load_word(f);
    const uint32_t xe = tinykd_sxtab16(offset, x), ve = tinykd_sxtb16(v);
    const uint32_t xo = tinykd_sxtab16_ror8(offset, x), vo = tinykd_sxtb16_ror8(v);

    s.s0 = tinykd_smlabb(xe, ve, s.s0);
    s.s2 = tinykd_smlatt(xe, ve, s.s2);
    s.s1 = tinykd_smlabb(xo, vo, s.s1);
    s.s3 = tinykd_smlatt(xo, vo, s.s3);
    return s;
}

/* Taps [rows] x [columns] of channels c to c + 3 of one pixel. */
static void depthwise_dsp_pixel(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, const int8_t *weights, int32_t rows,
                                int32_t columns, int32_t c, int8_t *output)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    const int32_t channels = p->in_channels, in_row = p->in_width * channels, filter_row = p->kernel_width * channels;
    const int8_t *a = input + c, *f = weights + c;
    struct depthwise_dsp_sums s = {p->bias[c], p->bias[c + 1], p->bias[c + 2], p->bias[c + 3]};

    if (columns == 3) {
        for (; rows > 0; --rows, a += in_row, f += filter_row) {
            s = depthwise_dsp_tap(s, offset, a, f);
            s = depthwise_dsp_tap(s, offset, a + channels, f + channels);
            s = depthwise_dsp_tap(s, offset, a + 2 * channels, f + 2 * channels);
        }
    } else {
        for (; rows > 0; --rows, a += in_row, f += filter_row) {
            const int8_t *x = a, *w = f;

            for (int32_t j = columns; j > 0; --j, x += channels, w += channels) {
                s = depthwise_dsp_tap(s, offset, x, w);
            }
        }
    }
    output[c] = depthwise_dsp_finish(p, s.s0, c);
    output[c + 1] = depthwise_dsp_finish(p, s.s1, c + 1);
    output[c + 2] = depthwise_dsp_finish(p, s.s2, c + 2);
    output[c + 3] = depthwise_dsp_finish(p, s.s3, c + 3);
}

void tinykd_depthwise_conv_2d_dsp_s8(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->in_channels;

    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, 1);
        const int8_t *const line = input + (top + rows.first) * p->in_width * channels;
        const int8_t *const filter = p->weights + rows.first * p->kernel_width * channels;

        for (int32_t x = 0; x < p->out_width; ++x, output += channels) {
            const int32_t left = x * p->stride_width - p->pad_left;
            const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
            const int8_t *const first = line + (left + columns.first) * channels;
            const int8_t *const weights = filter + columns.first * channels;

            for (int32_t c = 0; c < channels; c += 4) {
                depthwise_dsp_pixel(p, first, weights, rows.end - rows.first, columns.end - columns.first, c, output);
            }
        }
    }
}
