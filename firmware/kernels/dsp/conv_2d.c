/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with DSP instructions; one group, one image.
 *
 * The windows of two pixels are unpacked to halfwords, which costs about one instruction an input and then serves every
 * filter; zero points are folded into the biases, so inputs stay as they are and only the border knows one. */
#include "tinykd/convolution.h"
#include "tinykd/dot.h"
#include "tinykd/finish.h"

/* Two filters: what their sums start from, and how they become outputs. */
struct conv_2d_dsp_pair {
    int32_t a, b;
    int32_t multipliers[2];
    uint8_t s1[4];
};

/* Bytes of a window that follow each other in a row of the input, some of them outside. */
struct conv_2d_dsp_run {
    int32_t before, inside, after;
};

static inline int32_t conv_2d_dsp_between(int32_t low, int32_t value, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* `taps` taps from a column on. */
static inline struct conv_2d_dsp_run conv_2d_dsp_run_at(const struct tinykd_conv_2d_short *p, int32_t column, int32_t taps)
{
    const int32_t first = conv_2d_dsp_between(0, -column, taps), end = conv_2d_dsp_between(first, p->in_width - column, taps);
    struct conv_2d_dsp_run run;

    run.before = first * p->in_channels;
    run.inside = (end - first) * p->in_channels;
    run.after = (taps - end) * p->in_channels;
    return run;
}

/* Bytes, a multiple of 4 of them, to halfwords: one pixel's words alternate by twos with the other's. */
static uint32_t *conv_2d_dsp_unpack(uint32_t *x, const int8_t *from, int32_t bytes)
{
    for (; bytes >= 16; bytes -= 16) {
        tinykd_unpack_16(&x, &from);
    }
    for (; bytes > 0; bytes -= 4, from += 4, x += 4) {
        const uint32_t word = tinykd_load_word(from);
        x[0] = tinykd_sxtb16(word);
        x[1] = tinykd_sxtb16_ror8(word);
    }
    return x;
}

static uint32_t *conv_2d_dsp_border(uint32_t *x, int32_t zero_point, int32_t bytes)
{
    const uint32_t half = (uint32_t)zero_point & 0xFFFFu;

    for (; bytes > 0; bytes -= 4, x += 4) {
        x[0] = x[1] = half | half << 16;
    }
    return x;
}

static int8_t *conv_2d_dsp_copy(int8_t *to, const int8_t *from, int32_t bytes)
{
    int8_t *const end = to + bytes;

    for (; end - to >= 4; from += 4, to += 4) {
        const int8_t b0 = from[0], b1 = from[1], b2 = from[2], b3 = from[3];
        to[0] = b0;
        to[1] = b1;
        to[2] = b2;
        to[3] = b3;
    }
    while (to != end) {
        *to++ = *from++;
    }
    return to;
}

static int8_t *conv_2d_dsp_fill(int8_t *to, int32_t zero_point, int32_t bytes)
{
    for (; bytes > 0; --bytes) {
        *to++ = (int8_t)zero_point;
    }
    return to;
}

/* What pads a window's bytes to whole words meets weights of 0. */
static void conv_2d_dsp_unpack_window(uint32_t *x, const int8_t *window, const int8_t *end)
{
    (void)conv_2d_dsp_unpack(x, window, ((int32_t)(end - window) + 3) & ~3);
}

/* A window that lies inside the input and begins at `line`, to halfwords; by way of its bytes, unless each row has a multiple of 4. */
__attribute__((noinline)) static void conv_2d_dsp_inside(const struct tinykd_conv_2d_short *p, const int8_t *line, int8_t *window, uint32_t *x)
{
    const int32_t channels = p->in_channels, bytes = p->kernel_width * channels, step = p->dilation_height * p->in_width * channels;

    if ((channels & 3) == 0) {
        for (int32_t i = p->kernel_height; i > 0; --i, line += step) {
            x = conv_2d_dsp_unpack(x, line, bytes);
        }
    } else {
        int8_t *to = window;

        for (int32_t i = p->kernel_height; i > 0; --i, line += step) {
            to = conv_2d_dsp_copy(to, line, bytes);
        }
        conv_2d_dsp_unpack_window(x, window, to);
    }
}

/* Any window: at (top, left). */
static void conv_2d_dsp_window(const struct tinykd_conv_2d_short *p, const int8_t *input, int32_t top, int32_t left, int8_t *window,
                               uint32_t *x)
{
    const int32_t channels = p->in_channels, in_row = p->in_width * channels;
    const int32_t taps = p->dilation_width == 1 ? p->kernel_width : 1; /* of a run */
    const int32_t zero_point = p->input_zero_point;
    struct conv_2d_dsp_run run = conv_2d_dsp_run_at(p, left, taps);
    const int8_t *line = input + top * in_row + left * channels;
    int8_t *to = window;

    for (int32_t i = 0; i < p->kernel_height; ++i, line += p->dilation_height * in_row) {
        const int32_t row = top + i * p->dilation_height;

        if (row < 0 || row >= p->in_height) {
            if ((channels & 3) == 0) {
                x = conv_2d_dsp_border(x, zero_point, p->kernel_width * channels);
            } else {
                to = conv_2d_dsp_fill(to, zero_point, p->kernel_width * channels);
            }
            continue;
        }
        for (int32_t j = 0; j < p->kernel_width; j += taps) {
            const int8_t *from = line + j * p->dilation_width * channels;

            if (taps == 1) {
                run = conv_2d_dsp_run_at(p, left + j * p->dilation_width, 1);
            }
            if ((channels & 3) == 0) {
                x = conv_2d_dsp_border(x, zero_point, run.before);
                x = conv_2d_dsp_unpack(x, from + run.before, run.inside);
                x = conv_2d_dsp_border(x, zero_point, run.after);
            } else {
                to = conv_2d_dsp_fill(to, zero_point, run.before);
                to = conv_2d_dsp_copy(to, from + run.before, run.inside);
                to = conv_2d_dsp_fill(to, zero_point, run.after);
            }
        }
    }
    if (to != window) {
        conv_2d_dsp_unpack_window(x, window, to);
    }
}

/* Output of filter f from its sum, and of g. */
static inline int32_t conv_2d_dsp_f(struct tinykd_pair s, int32_t multiplier, int32_t s1, int32_t z)
{
    return tinykd_finish_twice_s8(s.b, multiplier, s1, z);
}

static inline int32_t conv_2d_dsp_g(struct tinykd_pair s, int32_t multiplier, int32_t s1, int32_t z)
{
    const int32_t sum = tinykd_pair_difference(s); /* times 256 */
    return tinykd_finish_doubled_s8(sum >> 7, sum, multiplier, s1, z);
}

/* One pixel, the last `channels` channels. */
static void conv_2d_dsp_one(const struct tinykd_conv_2d_short *p, const uint32_t *x, int32_t steps, const struct conv_2d_dsp_pair *pair,
                            const uint32_t *weights, int32_t channels, int8_t *output)
{
    for (; channels > 0; channels -= 2, ++pair, output += 2, weights += 2 * steps) {
        const struct tinykd_pair start = {pair->a, pair->b};
        const struct tinykd_pair s = tinykd_dot_1(start, x, weights, steps);
        const int32_t g = conv_2d_dsp_g(s, pair->multipliers[1], pair->s1[1], p->z);

        output[0] = (int8_t)conv_2d_dsp_f(s, pair->multipliers[0], pair->s1[0], p->z);
        if (channels > 1) {
            output[1] = (int8_t)g;
        }
    }
}

/* All channels of one pixel or of two. Registers are what is short: nothing but pointers lives across the products, and between
 * two stores, which might alias it, no word is loaded. */
static void conv_2d_dsp_pixels(const struct tinykd_conv_2d_short *p, const uint32_t *x, int32_t steps, int32_t pixels, int8_t *output)
{
    const struct conv_2d_dsp_pair *pair = (const void *)p->finish;
    const uint32_t *weights = (const void *)p->weights;

    if (pixels == 1) {
        conv_2d_dsp_one(p, x, steps, pair, weights, p->out_channels, output);
        return;
    }
    for (const int8_t *const end = output + (p->out_channels & ~1); output != end; output += 2, ++pair) {
        struct tinykd_pair first = {pair->a, pair->b}, second = first;

        weights = tinykd_dot_2(&first, &second, x, weights, steps);
        const int32_t m0 = pair->multipliers[0], m1 = pair->multipliers[1], s0 = pair->s1[0], s1 = pair->s1[1];
        const int32_t z = p->z, channels = p->out_channels;
        const int32_t f0 = conv_2d_dsp_f(first, m0, s0, z), f1 = conv_2d_dsp_f(second, m0, s0, z);
        const int32_t g0 = conv_2d_dsp_g(first, m1, s1, z), g1 = conv_2d_dsp_g(second, m1, s1, z);

        output[0] = (int8_t)f0;
        output[1] = (int8_t)g0;
        output[channels] = (int8_t)f1;
        output[channels + 1] = (int8_t)g1;
    }
    if ((p->out_channels & 1) != 0) {
        conv_2d_dsp_one(p, x, steps, pair, weights, 1, output);
        conv_2d_dsp_one(p, x + 2, steps, pair, weights, 1, output + p->out_channels);
    }
}

void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output, uint32_t *scratch)
{
    const int32_t steps = (p->kernel_height * p->kernel_width * p->in_channels + 3) / 4;
    int8_t *const window = (int8_t *)(scratch + 4 * steps);
    const int32_t in_row = p->in_width * p->in_channels;
    const int32_t lowest = p->in_height - (p->kernel_height - 1) * p->dilation_height - 1; /* windows inside begin within 0 to that */
    const int32_t rightmost = p->dilation_width == 1 ? p->in_width - p->kernel_width : -1;
    int32_t top = -p->pad_top, left = -p->pad_left, column = 0;

    for (int32_t pixels = p->out_height * p->out_width; pixels > 0; pixels -= 2) {
        const int32_t together = pixels > 1 ? 2 : 1;

        for (int32_t k = 0; k < together; ++k) {
            if (top >= 0 && top <= lowest && left >= 0 && left <= rightmost) {
                conv_2d_dsp_inside(p, input + top * in_row + left * p->in_channels, window, scratch + 2 * k);
            } else {
                conv_2d_dsp_window(p, input, top, left, window, scratch + 2 * k);
            }
            left += p->stride_width;
            if (++column == p->out_width) {
                column = 0;
                left = -p->pad_left;
                top += p->stride_height;
            }
        }
        conv_2d_dsp_pixels(p, scratch, steps, together, output);
        tinykd_clamp_bytes(output, together * p->out_channels, p->clamp_low, p->clamp_high);
        output += together * p->out_channels;
    }
}
