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

/* Row t of the padded input into the lines; `row` is null outside. */
static void depthwise_mve_insert(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *row, int8_t *lines)
{
    const tinykd_halves offsets = tinykd_multiples(p->line), outside = tinykd_same_halves(p->input_zero_point);
    const int32_t columns = (p->out_width - 1) * p->stride_width + p->kernel_width, group = 8 * p->line;

    for (int32_t x = 0; x < columns; ++x, lines += p->kernel_height) {
        const int32_t column = x - p->pad_left;
        int8_t *to = lines;
        int32_t left = p->channels;

        if (row != 0 && column >= 0 && column < p->in_width) {
            const int8_t *from = row + column * p->channels;

            for (; left >= 8; left -= 8, from += 8, to += group) {
                tinykd_scatter_halves(to, offsets, tinykd_load_halves(from));
            }
            if (left > 0) {
                tinykd_scatter_some_halves(to, offsets, tinykd_load_some_halves(from, left), left);
            }
        } else {
            for (; left >= 8; left -= 8, to += group) {
                tinykd_scatter_halves(to, offsets, outside);
            }
            if (left > 0) {
                tinykd_scatter_some_halves(to, offsets, outside, left);
            }
        }
    }
}

typedef tinykd_bytes depthwise_mve_next(const int8_t **from);

TINYKD_STEP_BYTES(3)
TINYKD_STEP_BYTES(6)

/* One row of four channels whose windows have at most 16 taps; `next` loads a window and steps to the one beside it. */
TINYKD_INLINE void depthwise_mve_small(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *x, const int8_t *w, const int32_t *scaling,
                                       int8_t *output, depthwise_mve_next *next, tinykd_requantizing *requantize)
{
    const tinykd_bytes w0 = tinykd_load_bytes(w), w1 = tinykd_load_bytes(w + 16);
    const tinykd_bytes w2 = tinykd_load_bytes(w + 32), w3 = tinykd_load_bytes(w + 48);
    const int8_t *x0 = x, *x1 = x0 + p->line, *x2 = x1 + p->line, *x3 = x2 + p->line;
    const int32_t zero_point = p->output_zero_point, channels = p->channels;

    for (int32_t left = p->out_width; left > 0; --left, output += channels) {
        const int32_t s0 = tinykd_first_dot(next(&x0), w0), s2 = tinykd_first_dot(next(&x2), w2);
        tinykd_words sums = tinykd_even_words(s0, s2);
        const int32_t s1 = tinykd_first_dot(next(&x1), w1), s3 = tinykd_first_dot(next(&x3), w3);
        sums = tinykd_with_odd_words(sums, s1, s3);
        tinykd_store_word_bytes(output, requantize(sums, scaling), zero_point);
    }
}

TINYKD_INLINE int32_t depthwise_mve_window(const int8_t *x, const int8_t *w, int32_t chunks)
{
    int32_t sum = tinykd_first_dot(tinykd_load_bytes(x), tinykd_load_bytes(w));

    for (int32_t k = 1; k < chunks; ++k) {
        sum = tinykd_dot(sum, tinykd_load_bytes(x + 16 * k), tinykd_load_bytes(w + 16 * k));
    }
    return sum;
}

/* One row of four channels, windows of any size. */
TINYKD_INLINE void depthwise_mve_large(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *x, const int8_t *w, const int32_t *scaling,
                                       int8_t *output, int32_t chunks, tinykd_requantizing *requantize)
{
    const int32_t line = p->line, zero_point = p->output_zero_point, channels = p->channels;
    const int32_t step = p->kernel_height * p->stride_width, filter = 16 * chunks;

    for (int32_t left = p->out_width; left > 0; --left, x += step, output += channels) {
        const int32_t s0 = depthwise_mve_window(x, w, chunks), s2 = depthwise_mve_window(x + 2 * line, w + 2 * filter, chunks);
        tinykd_words sums = tinykd_even_words(s0, s2);
        const int32_t s1 = depthwise_mve_window(x + line, w + filter, chunks);
        const int32_t s3 = depthwise_mve_window(x + 3 * line, w + 3 * filter, chunks);
        sums = tinykd_with_odd_words(sums, s1, s3);
        tinykd_store_word_bytes(output, requantize(sums, scaling), zero_point);
    }
}

/* One row of all channels. */
TINYKD_INLINE void depthwise_mve_row(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *lines, int8_t *output,
                                     tinykd_requantizing *requantize)
{
    const int32_t step = p->kernel_height * p->stride_width;
    const int8_t *w = p->weights;
    const int32_t *scaling = p->scaling;

    for (int32_t c = 0; c < p->channels; c += 4, lines += 4 * p->line, w += 64 * p->chunks, scaling += 12, output += 4) {
        if (p->chunks == 1 && step == 3) {
            depthwise_mve_small(p, lines, w, scaling, output, tinykd_step_3_bytes, requantize);
        } else if (p->chunks == 1 && step == 6) {
            depthwise_mve_small(p, lines, w, scaling, output, tinykd_step_6_bytes, requantize);
        } else if (p->chunks == 2) {
            depthwise_mve_large(p, lines, w, scaling, output, 2, requantize);
        } else if (p->chunks == 4) {
            depthwise_mve_large(p, lines, w, scaling, output, 4, requantize);
        } else {
            depthwise_mve_large(p, lines, w, scaling, output, p->chunks, requantize);
        }
    }
}

typedef void depthwise_mve_computing(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *lines, int8_t *output);

static void depthwise_mve_signed(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *lines, int8_t *output)
{
    depthwise_mve_row(p, lines, output, tinykd_requantize_words);
}

static void depthwise_mve_positive(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *lines, int8_t *output)
{
    depthwise_mve_row(p, lines, output, tinykd_requantize_positive_words);
}

TINYKD_INLINE void depthwise_mve(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch,
                                 depthwise_mve_computing *compute)
{
    const int32_t out_row = p->out_width * p->channels;
    int32_t inserted = 0;

    for (int32_t y = 0; y < p->out_height; ++y, output += out_row) {
        const int32_t top = y * p->stride_height;

        for (inserted = inserted < top ? top : inserted; inserted < top + p->kernel_height; ++inserted) {
            const int32_t row = inserted - p->pad_top;
            const int8_t *const from = row >= 0 && row < p->in_height ? input + row * p->in_width * p->channels : 0;

            depthwise_mve_insert(p, from, scratch + inserted);
        }
        compute(p, scratch + top, output);
        if (p->clamp_low > -128 || p->clamp_high < 127) {
            tinykd_clamp_in_place(output, out_row, p->clamp_low, p->clamp_high);
        }
    }
}

void tinykd_depthwise_conv_2d_mve_s8(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    depthwise_mve(p, input, output, scratch, depthwise_mve_signed);
}

void tinykd_depthwise_conv_2d_positive_mve_s8(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output,
                                              int8_t *scratch)
{
    depthwise_mve(p, input, output, scratch, depthwise_mve_positive);
}
