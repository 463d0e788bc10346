/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with DSP instructions: input channels a multiple of 4, one group, no horizontal dilation, one image.
 *
 * The taps of one kernel row are one run of bytes, in the input as in the filter, whatever the window loses at an edge.
 * Two pixels and two filters are multiplied together, so that each word that is loaded and unpacked serves twice:
 * 4 loads, 8 unpackings and 8 double products for 16 multiply-accumulates. */
#include "tinykd/convolution.h"
#include "tinykd/dsp.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

/* The part of one window that lies inside the input: runs of `bytes` bytes, `count` of them. */
struct conv_2d_dsp_window {
    const int8_t *input;   /* first run */
    const int8_t *weights; /* the same taps of filter 0 */
    int32_t bytes;
    int32_t count;
    int32_t input_step;  /* bytes from run to run */
    int32_t weight_step; /* bytes from run to run */
};

static struct conv_2d_dsp_window conv_2d_dsp_open(const struct tinykd_conv_2d *p, const int8_t *input, int32_t y, int32_t x)
{
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, p->dilation_height);
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
    const int32_t in_row = p->in_width * p->in_channels, filter_row = p->kernel_width * p->in_channels;
    struct conv_2d_dsp_window w;

    w.input = input + (top + rows.first * p->dilation_height) * in_row + (left + columns.first) * p->in_channels;
    w.weights = p->weights + rows.first * filter_row + columns.first * p->in_channels;
    w.bytes = (columns.end - columns.first) * p->in_channels;
    w.count = rows.end - rows.first;
    w.input_step = p->dilation_height * in_row;
    w.weight_step = filter_row;
    return w;
}

static int8_t conv_2d_dsp_finish(const struct tinykd_conv_2d *p, int32_t sum, int32_t c)
{
    const int32_t scaled = tinykd_requantize(sum, p->multipliers[c], p->shifts[c]);
    return (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
}

/* One pixel, one filter. */
static int8_t conv_2d_dsp_1x1(const struct tinykd_conv_2d *p, const struct conv_2d_dsp_window *w, int32_t c, int32_t filter_bytes)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    int32_t sum = p->bias[c];

    for (int32_t i = 0; i < w->count; ++i) {
        const int8_t *a = w->input + i * w->input_step;
        const int8_t *f = w->weights + i * w->weight_step + c * filter_bytes;

        for (int32_t k = 0; k < w->bytes; k += 4) {
            const uint32_t x = tinykd_load_word(a + k), v = tinykd_load_word(f + k);
            sum = tinykd_smlad(tinykd_sxtab16(offset, x), tinykd_sxtb16(v), sum);
            sum = tinykd_smlad(tinykd_sxtab16_ror8(offset, x), tinykd_sxtb16_ror8(v), sum);
        }
    }
    return conv_2d_dsp_finish(p, sum, c);
}

/* Two pixels with windows of one shape, `apart` bytes apart in the input; filters c and c + 1. */
static void conv_2d_dsp_2x2(const struct tinykd_conv_2d *p, const struct conv_2d_dsp_window *w, int32_t apart, int32_t c,
                            int32_t filter_bytes, int8_t *output)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    int32_t s00 = p->bias[c], s01 = p->bias[c + 1], s10 = s00, s11 = s01;

    for (int32_t i = 0; i < w->count; ++i) {
        const int8_t *a = w->input + i * w->input_step;
        const int8_t *f = w->weights + i * w->weight_step + c * filter_bytes;

        for (const int8_t *const end = a + w->bytes; a != end; a += 4, f += 4) {
            const uint32_t x0 = tinykd_load_word(a), x1 = tinykd_load_word(a + apart);
            const uint32_t v0 = tinykd_load_word(f), v1 = tinykd_load_word(f + filter_bytes);
            const uint32_t x0e = tinykd_sxtab16(offset, x0), x1e = tinykd_sxtab16(offset, x1);
            const uint32_t x0o = tinykd_sxtab16_ror8(offset, x0), x1o = tinykd_sxtab16_ror8(offset, x1);
            const uint32_t v0e = tinykd_sxtb16(v0), v0o = tinykd_sxtb16_ror8(v0);
            const uint32_t v1e = tinykd_sxtb16(v1), v1o = tinykd_sxtb16_ror8(v1);

            s00 = tinykd_smlad(x0o, v0o, tinykd_smlad(x0e, v0e, s00));
            s01 = tinykd_smlad(x0o, v1o, tinykd_smlad(x0e, v1e, s01));
            s10 = tinykd_smlad(x1o, v0o, tinykd_smlad(x1e, v0e, s10));
            s11 = tinykd_smlad(x1o, v1o, tinykd_smlad(x1e, v1e, s11));
        }
    }
    output[0] = conv_2d_dsp_finish(p, s00, c);
    output[1] = conv_2d_dsp_finish(p, s01, c + 1);
    output[p->out_channels] = conv_2d_dsp_finish(p, s10, c);
    output[p->out_channels + 1] = conv_2d_dsp_finish(p, s11, c + 1);
}

void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d *p, const int8_t *input, int8_t *output)
{
    const int32_t filter_bytes = p->kernel_height * p->kernel_width * p->in_channels;
    const int32_t apart = p->stride_width * p->in_channels;

    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width;) {
            const struct conv_2d_dsp_window w = conv_2d_dsp_open(p, input, y, x);
            int32_t pixels = 1, c = 0;

            if (x + 1 < p->out_width) {
                const struct conv_2d_dsp_window next = conv_2d_dsp_open(p, input, y, x + 1);
                pixels = next.input - w.input == apart && next.bytes == w.bytes ? 2 : 1;
            }
            if (pixels == 2) {
                for (; c + 1 < p->out_channels; c += 2) {
                    conv_2d_dsp_2x2(p, &w, apart, c, filter_bytes, output + c);
                }
            }
            for (; c < p->out_channels; ++c) {
                output[c] = conv_2d_dsp_1x1(p, &w, c, filter_bytes);
                if (pixels == 2) {
                    struct conv_2d_dsp_window next = w;
                    next.input += apart;
                    output[c + p->out_channels] = conv_2d_dsp_1x1(p, &next, c, filter_bytes);
                }
            }
            x += pixels;
            output += pixels * p->out_channels;
        }
    }
}
