/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with DSP instructions; one group, one image.
 *
 * The windows of two pixels are unpacked to halfwords, which costs about one instruction an input and then serves every
 * filter; zero points are folded into the biases, so inputs stay as they are and only the border knows one. */
#include "tinykd/convolution.h"
#include "tinykd/dot.h"
#include "tinykd/finish.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

/* Two filters: what their sums start from, and how they become outputs. */
struct conv_2d_dsp_pair {
    int32_t a, b;
    int32_t multipliers[2];
    uint8_t s1[4];
};

/* The windows of two pixels: words of two halfwords, two of either pixel in turn. */
enum { conv_2d_dsp_stride = 4 };

/* Bytes, a multiple of 4 of them, to halfwords. */
static uint32_t *conv_2d_dsp_unpack(const int8_t *from, int32_t bytes, uint32_t *x)
{
    for (const int8_t *const end = from + bytes; from != end; from += 4, x += conv_2d_dsp_stride) {
        const uint32_t word = tinykd_load_anywhere(from);
        x[0] = tinykd_sxtb16(word);
        x[1] = tinykd_sxtb16_ror8(word);
    }
    return x;
}

/* As many halfwords of the zero point. */
static uint32_t *conv_2d_dsp_border(const struct tinykd_conv_2d_dsp *p, int32_t bytes, uint32_t *x)
{
    const uint32_t half = (uint32_t)p->input_zero_point & 0xFFFFu;

    for (; bytes > 0; bytes -= 4, x += conv_2d_dsp_stride) {
        x[0] = x[1] = half | half << 16;
    }
    return x;
}

/* The window at (top, left) to halfwords; a multiple of 4 channels. */
static void conv_2d_dsp_window(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, uint32_t *x)
{
    const int32_t channels = p->in_channels, in_row = p->in_width * channels;
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
    const int8_t *line = input + top * in_row + (left + columns.first) * channels;

    for (int32_t i = 0; i < p->kernel_height; ++i, line += p->dilation_height * in_row) {
        const int32_t row = top + i * p->dilation_height;

        if (row >= 0 && row < p->in_height) {
            x = conv_2d_dsp_border(p, columns.first * channels, x);
            x = conv_2d_dsp_unpack(line, (columns.end - columns.first) * channels, x);
            x = conv_2d_dsp_border(p, (p->kernel_width - columns.end) * channels, x);
        } else {
            x = conv_2d_dsp_border(p, p->kernel_width * channels, x);
        }
    }
}

/* The window at (top, left) as bytes. */
static void conv_2d_dsp_bytes(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, int8_t *window)
{
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

/* Output of filter f from its sum. */
static int8_t conv_2d_dsp_f(const struct tinykd_conv_2d_dsp *p, const struct conv_2d_dsp_pair *pair, struct tinykd_pair s)
{
    return (int8_t)tinykd_finish_twice_s8(s.b, pair->multipliers[0], pair->s1[0], p->z);
}

/* Output of filter g. */
static int8_t conv_2d_dsp_g(const struct tinykd_conv_2d_dsp *p, const struct conv_2d_dsp_pair *pair, struct tinykd_pair s)
{
    return (int8_t)tinykd_finish_twice_s8(tinykd_pair_difference(s) >> 8, pair->multipliers[1], pair->s1[1], p->z);
}

/* All channels of two pixels. */
static void conv_2d_dsp_two(const struct tinykd_conv_2d_dsp *p, const uint32_t *x, int32_t steps, int8_t *output)
{
    const struct conv_2d_dsp_pair *pair = (const void *)p->finish;
    const uint32_t *weights = (const void *)p->weights;
    const int32_t channels = p->out_channels;

    for (int32_t left = channels; left > 0; left -= 2, ++pair, output += 2) {
        struct tinykd_pair first = {pair->a, pair->b}, second = first;

        weights = tinykd_dot_2(&first, &second, x, weights, steps);
        output[0] = conv_2d_dsp_f(p, pair, first);
        output[channels] = conv_2d_dsp_f(p, pair, second);
        if (left > 1) {
            output[1] = conv_2d_dsp_g(p, pair, first);
            output[channels + 1] = conv_2d_dsp_g(p, pair, second);
        }
    }
}

/* All channels of the last pixel of an odd number. */
static void conv_2d_dsp_one(const struct tinykd_conv_2d_dsp *p, const uint32_t *x, int32_t steps, int8_t *output)
{
    const struct conv_2d_dsp_pair *pair = (const void *)p->finish;
    const uint32_t *weights = (const void *)p->weights;

    for (int32_t left = p->out_channels; left > 0; left -= 2, ++pair, output += 2, weights += 2 * steps) {
        const struct tinykd_pair start = {pair->a, pair->b};
        const struct tinykd_pair s = tinykd_dot_1(start, x, weights, steps);

        output[0] = conv_2d_dsp_f(p, pair, s);
        if (left > 1) {
            output[1] = conv_2d_dsp_g(p, pair, s);
        }
    }
}

static void conv_2d_dsp_clamp(const struct tinykd_conv_2d_dsp *p, int8_t *output, int32_t bytes)
{
    if (p->clamp_low > -128 || p->clamp_high < 127) {
        for (int32_t i = 0; i < bytes; ++i) {
            output[i] = (int8_t)tinykd_clamp(output[i], p->clamp_low, p->clamp_high);
        }
    }
}

/* What brings the window at (top, left) into x, by way of `window` if it must. */
typedef void conv_2d_dsp_gather(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, int8_t *window,
                                uint32_t *x);

static void conv_2d_dsp_unpacked(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, int8_t *window,
                                 uint32_t *x)
{
    (void)window;
    conv_2d_dsp_window(p, input, top, left, x);
}

static void conv_2d_dsp_gathered(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, int8_t *window,
                                 uint32_t *x)
{
    conv_2d_dsp_bytes(p, input, top, left, window);
    (void)conv_2d_dsp_unpack(window, (p->kernel_height * p->kernel_width * p->in_channels + 3) & ~3, x);
}

static inline void conv_2d_dsp(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int8_t *output, uint32_t *x,
                               conv_2d_dsp_gather *gather)
{
    const int32_t steps = (p->kernel_height * p->kernel_width * p->in_channels + 3) / 4;
    int8_t *const window = (int8_t *)(x + conv_2d_dsp_stride * steps);
    int32_t top = -p->pad_top, left = -p->pad_left, column = 0;

    for (int32_t pixels = p->out_height * p->out_width; pixels > 0; pixels -= 2) {
        const int32_t together = pixels > 1 ? 2 : 1;

        for (int32_t k = 0; k < together; ++k) {
            gather(p, input, top, left, window, x + 2 * k);
            left += p->stride_width;
            if (++column == p->out_width) {
                column = 0;
                left = -p->pad_left;
                top += p->stride_height;
            }
        }
        if (together == 2) {
            conv_2d_dsp_two(p, x, steps, output);
        } else {
            conv_2d_dsp_one(p, x, steps, output);
        }
        conv_2d_dsp_clamp(p, output, together * p->out_channels);
        output += together * p->out_channels;
    }
}

void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int8_t *output, uint32_t *scratch)
{
    conv_2d_dsp(p, input, output, scratch, conv_2d_dsp_unpacked);
}

void tinykd_conv_2d_gather_dsp_s8(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int8_t *output, uint32_t *scratch)
{
    conv_2d_dsp(p, input, output, scratch, conv_2d_dsp_gathered);
}
