/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D for cores with Helium: multiplier 1, channels a multiple of 4, no dilation, one image.
 *
 * A product of two vectors sums 16 places, so all taps of a window should lie together. `scratch` holds a line for each channel
 * in which they do: tap (column x, row t) is byte kernel_height * x + t, columns and rows counted with the padding. The window of
 * an output is then kernel_width * kernel_height bytes in a row, the one below begins a byte (a stride) later, and the byte where
 * a new row goes is that of the next column's row that no window needs any more. Each input is written once: no shifting, no ring.
 * 2 instructions for the 9 products of a 3x3 window; the zero point of the input is in the biases. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

/* Eight or four channels to one byte of each line. */
TINYKD_INLINE void depthwise_mve_put(int8_t *to, tinykd_vector_halves offsets, tinykd_vector_halves v, int32_t some)
{
    if (some == 8) {
        tinykd_scatter_halves(to, offsets, v);
    } else {
        tinykd_scatter_some_halves(to, offsets, v, some);
    }
}

/* How a row goes into the lines: zero points, pixels, zero points, each `step` bytes from the one before. */
struct depthwise_mve_row {
    int32_t before, inside, after;
    int32_t step, channels;
    tinykd_vector_halves offsets, outside;
};

/* Eight or four channels of one row. */
TINYKD_INLINE void depthwise_mve_channels(struct depthwise_mve_row r, const int8_t *from, int8_t *to, int32_t some)
{
    for (int32_t i = r.before; i > 0; --i, to += r.step) {
        depthwise_mve_put(to, r.offsets, r.outside, some);
    }
    for (int32_t i = r.inside; i > 0; --i, from += r.channels, to += r.step) {
        depthwise_mve_put(to, r.offsets, some == 8 ? tinykd_load_halves(from) : tinykd_load_some_halves(from, some), some);
    }
    for (int32_t i = r.after; i > 0; --i, to += r.step) {
        depthwise_mve_put(to, r.offsets, r.outside, some);
    }
}

/* One row of the padded input into the lines; `row` is null outside. */
static __attribute__((noinline)) void depthwise_mve_insert(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *row, int8_t *lines)
{
    const int32_t columns = (p->out_width - 1) * p->stride_width + p->kernel_width, room = columns - p->pad_left;
    const int32_t inside = row == 0 ? 0 : p->in_width < room ? p->in_width : room, eight = 8 * p->line;
    const int8_t *from = row == 0 ? lines : row; /* of which nothing is read where no column lies inside */
    struct depthwise_mve_row r;

    r.before = row == 0 ? columns : p->pad_left;
    r.inside = inside;
    r.after = row == 0 ? 0 : room - inside;
    r.step = p->kernel_height;
    r.channels = p->channels;
    r.offsets = tinykd_multiples(p->line);
    r.outside = tinykd_same_halves(p->input_zero_point);
    for (int32_t i = r.channels >> 3; i > 0; --i, from += 8, lines += eight) {
        depthwise_mve_channels(r, from, lines, 8);
    }
    if ((r.channels & 4) != 0) {
        depthwise_mve_channels(r, from, lines, 4);
    }
}

TINYKD_DOT_LINES(3)
TINYKD_DOT_LINES(6)

/* One row of four channels whose windows have at most 16 taps; windows lie 3 or 6 bytes apart. */
TINYKD_INLINE void depthwise_mve_small(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *x, const int8_t *w,
                                       const struct tinykd_scaling *scale, int8_t *output, int32_t step, tinykd_requantizing *requantize)
{
    const tinykd_bytes w0 = tinykd_load_bytes(w), w1 = tinykd_load_bytes(w + 16);
    const tinykd_bytes w2 = tinykd_load_bytes(w + 32), w3 = tinykd_load_bytes(w + 48);
    const int8_t *lines[4] = {x, x + p->line, x + 2 * p->line, x + 3 * p->line};
    const int32_t zero_point = p->output_zero_point, channels = p->channels;

    for (int32_t left = p->out_width; left > 0; --left, output += channels) {
        const tinykd_words sums = step == 3 ? tinykd_dot_lines_3(lines, w0, w1, w2, w3) : tinykd_dot_lines_6(lines, w0, w1, w2, w3);

        tinykd_store_word_bytes(output, requantize(sums, *scale), zero_point);
    }
}

/* The window at x; `weights` is left behind its filter. `chunks` is 2, 4, or 0 for `count` of them. */
TINYKD_INLINE int32_t depthwise_mve_window(const int8_t *x, const int8_t **weights, int32_t chunks, int32_t count)
{
    int32_t sum = 0;

    if (chunks == 2 || chunks == 4) {
        sum = tinykd_dot_next(tinykd_dot_next(sum, &x, weights), &x, weights);
        return chunks == 2 ? sum : tinykd_dot_next(tinykd_dot_next(sum, &x, weights), &x, weights);
    }
    for (; count > 0; --count) {
        sum = tinykd_dot_next(sum, &x, weights);
    }
    return sum;
}

/* One row of four channels, windows of any size. */
TINYKD_INLINE void depthwise_mve_large(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *x, const int8_t *weights,
                                       const struct tinykd_scaling *scale, int8_t *output, int32_t chunks, tinykd_requantizing *requantize)
{
    const int32_t line = p->line, count = p->chunks, zero_point = p->output_zero_point, channels = p->channels;
    const int32_t step = p->kernel_height * p->stride_width;

    for (int32_t left = p->out_width; left > 0; --left, x += step, output += channels) {
        const int8_t *w = weights;
        const int32_t s0 = depthwise_mve_window(x, &w, chunks, count), s1 = depthwise_mve_window(x + line, &w, chunks, count);
        const int32_t s2 = depthwise_mve_window(x + 2 * line, &w, chunks, count);
        const int32_t s3 = depthwise_mve_window(x + 3 * line, &w, chunks, count);

        tinykd_store_word_bytes(output, requantize(tinykd_four_words(s0, s1, s2, s3), *scale), zero_point);
    }
}

/* All rows. `step` is 3 or 6 where one chunk holds a window, else 0; `chunks` is their number, 0 for any. */
TINYKD_INLINE void depthwise_mve(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch,
                                 int32_t step, int32_t chunks, tinykd_requantizing *requantize)
{
    const int32_t count = chunks != 0 ? chunks : p->chunks, in_row = p->in_width * p->channels, out_row = p->out_width * p->channels;
    int32_t inserted = 0;

    for (int32_t y = 0; y < p->out_height; ++y, output += out_row) {
        const int32_t top = y * p->stride_height;
        const int8_t *w = p->weights, *lines = scratch + top;
        const int32_t *scaling = p->scaling;

        for (inserted = inserted < top ? top : inserted; inserted < top + p->kernel_height; ++inserted) {
            const int32_t row = inserted - p->pad_top;
            depthwise_mve_insert(p, row >= 0 && row < p->in_height ? input + row * in_row : 0, scratch + inserted);
        }
        for (int32_t c = 0; c < p->channels; c += 4, lines += 4 * p->line, w += 64 * count) {
            const struct tinykd_scaling scale = tinykd_next_scaling(&scaling);

            if (step != 0) {
                depthwise_mve_small(p, lines, w, &scale, output + c, step, requantize);
            } else {
                depthwise_mve_large(p, lines, w, &scale, output + c, chunks, requantize);
            }
        }
        if (p->clamp_low > -128 || p->clamp_high < 127) {
            tinykd_clamp_in_place(output, out_row, p->clamp_low, p->clamp_high);
        }
    }
}

#define DEPTHWISE_MVE(name, step, chunks, requantize)                                                                  \
    void name(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)      \
    {                                                                                                                  \
        depthwise_mve(p, input, output, scratch, step, chunks, requantize);                                            \
    }

DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_3_mve_s8, 3, 1, tinykd_requantize_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_6_mve_s8, 6, 1, tinykd_requantize_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_2_mve_s8, 0, 2, tinykd_requantize_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_4_mve_s8, 0, 4, tinykd_requantize_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_n_mve_s8, 0, 0, tinykd_requantize_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_3_positive_mve_s8, 3, 1, tinykd_requantize_positive_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_6_positive_mve_s8, 6, 1, tinykd_requantize_positive_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_2_positive_mve_s8, 0, 2, tinykd_requantize_positive_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_4_positive_mve_s8, 0, 4, tinykd_requantize_positive_words)
DEPTHWISE_MVE(tinykd_depthwise_conv_2d_n_positive_mve_s8, 0, 0, tinykd_requantize_positive_words)
