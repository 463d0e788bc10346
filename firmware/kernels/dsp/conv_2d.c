/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with DSP instructions; one group, one image, sums below 2^30, shifts of 1 to 22, noted as positive.
 *
 * Two pixels and two filters are multiplied together, so that each word that is loaded and unpacked serves twice:
 * 4 loads, 8 unpackings and 8 double products for 16 multiply-accumulates. What the inputs of a window are read from
 * differs: with a multiple of 4 channels the taps of one kernel row are one run of words, in the input as in the filter,
 * whatever the window loses at an edge; otherwise the window is first gathered. */
#include "tinykd/convolution.h"
#include "tinykd/dsp.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

/* Runs of `bytes` bytes, `count` of them, of one pixel and of its right neighbour `apart` bytes further; weights of filter 0. */
struct conv_2d_dsp_window {
    const int8_t *input;
    const int8_t *weights;
    int32_t bytes, count;
    int32_t input_step, weight_step; /* bytes from run to run */
    int32_t apart;
    int32_t filter_bytes; /* bytes from filter to filter */
};

static int8_t conv_2d_dsp_finish(const struct tinykd_conv_2d *p, int32_t sum, int32_t c)
{
    const int32_t byte = tinykd_finish_s8(sum, p->multipliers[c], p->shifts[c], p->output_zero_point);
    return (int8_t)tinykd_clamp(byte, p->clamp_low, p->clamp_high);
}

/* One pixel, filter c. */
static int8_t conv_2d_dsp_1x1(const struct tinykd_conv_2d *p, const struct conv_2d_dsp_window *w, int32_t c)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    int32_t sum = p->bias[c];

    for (int32_t i = 0; i < w->count; ++i) {
        const int8_t *a = w->input + i * w->input_step;
        const int8_t *f = w->weights + i * w->weight_step + c * w->filter_bytes;

        for (const int8_t *const end = a + w->bytes; a != end; a += 4, f += 4) {
            const uint32_t x = tinykd_load_word(a), v = tinykd_load_word(f);
            sum = tinykd_smlad(tinykd_sxtab16(offset, x), tinykd_sxtb16(v), sum);
            sum = tinykd_smlad(tinykd_sxtab16_ror8(offset, x), tinykd_sxtb16_ror8(v), sum);
        }
    }
    return conv_2d_dsp_finish(p, sum, c);
}

/* Two pixels, filters c and c + 1. */
static void conv_2d_dsp_2x2(const struct tinykd_conv_2d *p, const struct conv_2d_dsp_window *w, int32_t c, int8_t *output)
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    int32_t s00 = p->bias[c], s01 = p->bias[c + 1], s10 = s00, s11 = s01;

    for (int32_t i = 0; i < w->count; ++i) {
        const int8_t *a0 = w->input + i * w->input_step, *a1 = a0 + w->apart;
        const int8_t *f0 = w->weights + i * w->weight_step + c * w->filter_bytes, *f1 = f0 + w->filter_bytes;

        for (const int8_t *const end = a0 + w->bytes; a0 != end;) {
            uint32_t x0 = tinykd_load_word(a0), x1 = tinykd_load_word(a1);
            const uint32_t v0 = tinykd_load_word(f0), v1 = tinykd_load_word(f1);
            const uint32_t x0e = tinykd_sxtab16(offset, x0), x1e = tinykd_sxtab16(offset, x1);
            const uint32_t v0e = tinykd_sxtb16(v0), v1e = tinykd_sxtb16(v1);

            a0 += 4;
            a1 += 4;
            f0 += 4;
            f1 += 4;
            s00 = tinykd_smlad(x0e, v0e, s00);
            s01 = tinykd_smlad(x0e, v1e, s01);
            s10 = tinykd_smlad(x1e, v0e, s10);
            s11 = tinykd_smlad(x1e, v1e, s11);
            x0 = tinykd_sxtab16_ror8(offset, x0);
            x1 = tinykd_sxtab16_ror8(offset, x1);
            const uint32_t v0o = tinykd_sxtb16_ror8(v0), v1o = tinykd_sxtb16_ror8(v1);
            s00 = tinykd_smlad(x0, v0o, s00);
            s01 = tinykd_smlad(x0, v1o, s01);
            s10 = tinykd_smlad(x1, v0o, s10);
            s11 = tinykd_smlad(x1, v1o, s11);
        }
    }
    output[0] = conv_2d_dsp_finish(p, s00, c);
    output[1] = conv_2d_dsp_finish(p, s01, c + 1);
    output[p->out_channels] = conv_2d_dsp_finish(p, s10, c);
    output[p->out_channels + 1] = conv_2d_dsp_finish(p, s11, c + 1);
}

/* All channels of one pixel, or of two. */
static void conv_2d_dsp_pixels(const struct tinykd_conv_2d *p, const struct conv_2d_dsp_window *w, int32_t pixels, int8_t *output)
{
    struct conv_2d_dsp_window next = *w;
    int32_t c = 0;

    next.input += w->apart;
    if (pixels == 2) {
        for (; c + 1 < p->out_channels; c += 2) {
            conv_2d_dsp_2x2(p, w, c, output + c);
        }
    }
    for (; c < p->out_channels; ++c) {
        output[c] = conv_2d_dsp_1x1(p, w, c);
        if (pixels == 2) {
            output[c + p->out_channels] = conv_2d_dsp_1x1(p, &next, c);
        }
    }
}

void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d *p, const int8_t *input, int8_t *output)
{
    const int32_t in_row = p->in_width * p->in_channels, filter_row = p->kernel_width * p->in_channels;
    struct conv_2d_dsp_window w;

    w.apart = p->stride_width * p->in_channels;
    w.input_step = p->dilation_height * in_row;
    w.weight_step = filter_row;
    w.filter_bytes = p->kernel_height * filter_row;
    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, p->dilation_height);
        const int8_t *const line = input + (top + rows.first * p->dilation_height) * in_row;
        const int8_t *const filter = p->weights + rows.first * filter_row;

        w.count = rows.end - rows.first;
        for (int32_t x = 0; x < p->out_width;) {
            const int32_t left = x * p->stride_width - p->pad_left;
            const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
            const struct tinykd_taps next = tinykd_taps_inside(left + p->stride_width, p->in_width, p->kernel_width, 1);
            const int alike = x + 1 < p->out_width && next.first == columns.first && next.end == columns.end;
            const int32_t pixels = alike ? 2 : 1;

            w.input = line + (left + columns.first) * p->in_channels;
            w.weights = filter + columns.first * p->in_channels;
            w.bytes = (columns.end - columns.first) * p->in_channels;
            conv_2d_dsp_pixels(p, &w, pixels, output);
            x += pixels;
            output += pixels * p->out_channels;
        }
    }
}

/* The window of one pixel: [kernel_height, kernel_width, in_channels] with the zero point outside. */
static void conv_2d_dsp_gather(const struct tinykd_conv_2d *p, const int8_t *input, int32_t y, int32_t x, int8_t *window)
{
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;

    for (int32_t i = 0; i < p->kernel_height; ++i) {
        const int32_t row = top + i * p->dilation_height;
        const int32_t inside = row >= 0 && row < p->in_height;

        for (int32_t j = 0; j < p->kernel_width; ++j) {
            const int32_t column = left + j * p->dilation_width;
            const int8_t *from = input + (row * p->in_width + column) * p->in_channels;

            if (inside && column >= 0 && column < p->in_width) {
                for (int32_t d = 0; d < p->in_channels; ++d) {
                    *window++ = from[d];
                }
            } else {
                for (int32_t d = 0; d < p->in_channels; ++d) {
                    *window++ = (int8_t)p->input_zero_point;
                }
            }
        }
    }
}

void tinykd_conv_2d_gather_dsp_s8(const struct tinykd_conv_2d *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t bytes = (p->kernel_height * p->kernel_width * p->in_channels + 3) & ~3;
    const struct conv_2d_dsp_window w = {scratch, p->weights, bytes, 1, 0, 0, bytes, bytes};

    for (int32_t i = 0; i < 2 * bytes; ++i) {
        scratch[i] = 0; /* what pads a window to whole words meets weights of 0 */
    }
    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width;) {
            const int32_t pixels = x + 1 < p->out_width ? 2 : 1;

            conv_2d_dsp_gather(p, input, y, x, scratch);
            if (pixels == 2) {
                conv_2d_dsp_gather(p, input, y, x + 1, scratch + bytes);
            }
            conv_2d_dsp_pixels(p, &w, pixels, output);
            x += pixels;
            output += pixels * p->out_channels;
        }
    }
}
