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

/* Bytes of a window that follow each other in the input: kernel rows, or taps where these are dilated. Some lie outside. */
struct conv_2d_dsp_run {
    const int8_t *from;
    int32_t before, inside, after; /* bytes */
};

static inline int32_t conv_2d_dsp_between(int32_t low, int32_t value, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* `taps` taps of one kernel row, from (row, column) on. */
static inline struct conv_2d_dsp_run conv_2d_dsp_run_at(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t row,
                                                        int32_t column, int32_t taps)
{
    const int32_t width = row >= 0 && row < p->in_height ? p->in_width : 0;
    const int32_t first = conv_2d_dsp_between(0, -column, taps), end = conv_2d_dsp_between(first, width - column, taps);
    struct conv_2d_dsp_run run;

    run.from = input + (row * p->in_width + column + first) * p->in_channels;
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
    for (; bytes >= 3; bytes -= 3, from += 3, to += 3) { /* most often these are the channels of an image */
        const int8_t b0 = from[0], b1 = from[1], b2 = from[2];
        to[0] = b0;
        to[1] = b1;
        to[2] = b2;
    }
    for (; bytes > 0; --bytes) {
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

/* The window at (top, left) to halfwords; by way of its bytes, unless each run has a multiple of 4. */
static void conv_2d_dsp_window(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int32_t top, int32_t left, int8_t *window,
                               uint32_t *x)
{
    const int32_t taps = p->dilation_width == 1 ? p->kernel_width : 1;
    int8_t *to = window;

    for (int32_t i = 0; i < p->kernel_height; ++i) {
        for (int32_t j = 0; j < p->kernel_width; j += taps) {
            const struct conv_2d_dsp_run run =
                conv_2d_dsp_run_at(p, input, top + i * p->dilation_height, left + j * p->dilation_width, taps);

            if ((p->in_channels & 3) == 0) {
                x = conv_2d_dsp_border(x, p->input_zero_point, run.before);
                x = conv_2d_dsp_unpack(x, run.from, run.inside);
                x = conv_2d_dsp_border(x, p->input_zero_point, run.after);
            } else {
                to = conv_2d_dsp_fill(to, p->input_zero_point, run.before);
                to = conv_2d_dsp_copy(to, run.from, run.inside);
                to = conv_2d_dsp_fill(to, p->input_zero_point, run.after);
            }
        }
    }
    if (to != window) {
        (void)conv_2d_dsp_unpack(x, window, ((int32_t)(to - window) + 3) & ~3); /* what pads it meets weights of 0 */
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

/* All channels of two pixels. Not a word is loaded between stores, which might alias it. */
static void conv_2d_dsp_two(const struct tinykd_conv_2d_dsp *p, const uint32_t *x, int32_t steps, int8_t *output)
{
    const struct conv_2d_dsp_pair *pair = (const void *)p->finish;
    const uint32_t *weights = (const void *)p->weights;
    const int32_t channels = p->out_channels, z = p->z;

    for (int32_t left = channels; left > 0; ++pair, output += 2) {
        struct tinykd_pair first = {pair->a, pair->b}, second = first;

        weights = tinykd_dot_2(&first, &second, x, weights, steps);
        const int32_t m0 = pair->multipliers[0], m1 = pair->multipliers[1], s0 = pair->s1[0], s1 = pair->s1[1];
        const int32_t f0 = conv_2d_dsp_f(first, m0, s0, z), f1 = conv_2d_dsp_f(second, m0, s0, z);
        const int32_t g0 = conv_2d_dsp_g(first, m1, s1, z), g1 = conv_2d_dsp_g(second, m1, s1, z);

        output[0] = (int8_t)f0;
        output[channels] = (int8_t)f1;
        left -= 2;
        if (left >= 0) {
            output[1] = (int8_t)g0;
            output[channels + 1] = (int8_t)g1;
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
        const int32_t g = conv_2d_dsp_g(s, pair->multipliers[1], pair->s1[1], p->z);

        output[0] = (int8_t)conv_2d_dsp_f(s, pair->multipliers[0], pair->s1[0], p->z);
        if (left > 1) {
            output[1] = (int8_t)g;
        }
    }
}

void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d_dsp *p, const int8_t *input, int8_t *output, uint32_t *scratch)
{
    const int32_t steps = (p->kernel_height * p->kernel_width * p->in_channels + 3) / 4;
    int8_t *const window = (int8_t *)(scratch + 4 * steps);
    int32_t top = -p->pad_top, left = -p->pad_left, column = 0;

    for (int32_t pixels = p->out_height * p->out_width; pixels > 0; pixels -= 2) {
        const int32_t together = pixels > 1 ? 2 : 1;

        for (int32_t k = 0; k < together; ++k) {
            conv_2d_dsp_window(p, input, top, left, window, scratch + 2 * k);
            left += p->stride_width;
            if (++column == p->out_width) {
                column = 0;
                left = -p->pad_left;
                top += p->stride_height;
            }
        }
        if (together == 2) {
            conv_2d_dsp_two(p, scratch, steps, output);
        } else {
            conv_2d_dsp_one(p, scratch, steps, output);
        }
        tinykd_clamp_bytes(output, together * p->out_channels, p->clamp_low, p->clamp_high);
        output += together * p->out_channels;
    }
}
