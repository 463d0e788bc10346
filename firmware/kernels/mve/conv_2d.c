/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with Helium: one group, one image, no dilation along a row.
 *
 * Two pixels meet two filters: 4 loads and 4 products for 64 multiply-accumulates; up to 48 bytes of both pixels stay in
 * registers for all filters. Filters lie in the table as the loop reads them: by fours, of these the first and third, then the
 * second and fourth, 16 bytes of each in turn, as two sums move into a vector at once, to every other place.
 * The zero point of the input is in the biases, so windows that reach over an edge are gathered with zero points there. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"
#include "tinykd/window.h"

/* Sums of two filters for two pixels. */
struct conv_2d_mve_sums {
    int32_t a0, a1, b0, b1;
};

/* What registers hold of a pixel. */
struct conv_2d_mve_pixel {
    tinykd_bytes v0, v1, v2;
};

TINYKD_INLINE struct conv_2d_mve_pixel conv_2d_mve_held(const int8_t *x, int32_t chunks, int32_t last)
{
    struct conv_2d_mve_pixel held;

    held.v0 = tinykd_load_some_bytes(x, chunks > 1 ? 16 : last);
    held.v1 = chunks > 1 ? tinykd_load_some_bytes(x + 16, chunks > 2 ? 16 : last) : held.v0;
    held.v2 = chunks > 2 ? tinykd_load_some_bytes(x + 32, last) : held.v0;
    return held;
}

/* One to three times 16 bytes. */
TINYKD_INLINE struct conv_2d_mve_sums conv_2d_mve_short(struct conv_2d_mve_pixel a, struct conv_2d_mve_pixel b, int32_t chunks,
                                                        const int8_t **weights)
{
    struct conv_2d_mve_sums s;
    tinykd_bytes w = tinykd_next_bytes(weights);

    s.a0 = tinykd_first_dot(a.v0, w);
    s.b0 = tinykd_first_dot(b.v0, w);
    w = tinykd_next_bytes(weights);
    s.a1 = tinykd_first_dot(a.v0, w);
    s.b1 = tinykd_first_dot(b.v0, w);
    if (chunks > 1) {
        w = tinykd_next_bytes(weights);
        s.a0 = tinykd_dot(s.a0, a.v1, w);
        s.b0 = tinykd_dot(s.b0, b.v1, w);
        w = tinykd_next_bytes(weights);
        s.a1 = tinykd_dot(s.a1, a.v1, w);
        s.b1 = tinykd_dot(s.b1, b.v1, w);
    }
    if (chunks > 2) {
        w = tinykd_next_bytes(weights);
        s.a0 = tinykd_dot(s.a0, a.v2, w);
        s.b0 = tinykd_dot(s.b0, b.v2, w);
        w = tinykd_next_bytes(weights);
        s.a1 = tinykd_dot(s.a1, a.v2, w);
        s.b1 = tinykd_dot(s.b1, b.v2, w);
    }
    return s;
}

/* 16 bytes of both pixels with both filters. */
TINYKD_INLINE struct conv_2d_mve_sums conv_2d_mve_step(struct conv_2d_mve_sums s, tinykd_bytes a, tinykd_bytes b, const int8_t **weights)
{
    tinykd_bytes w = tinykd_next_bytes(weights);

    s.a0 = tinykd_dot(s.a0, a, w);
    s.b0 = tinykd_dot(s.b0, b, w);
    w = tinykd_next_bytes(weights);
    s.a1 = tinykd_dot(s.a1, a, w);
    s.b1 = tinykd_dot(s.b1, b, w);
    return s;
}

/* Any number of bytes, `last` of them in the last chunk. */
TINYKD_INLINE struct conv_2d_mve_sums conv_2d_mve_long(const int8_t *a, const int8_t *b, int32_t chunks, int32_t last,
                                                       const int8_t **weights)
{
    struct conv_2d_mve_sums s = {0, 0, 0, 0};
    const int8_t *w = *weights;

    for (int32_t i = last == 16 ? chunks : chunks - 1; i > 0; --i) {
        const tinykd_bytes x = tinykd_next_bytes(&a), y = tinykd_next_bytes(&b);
        s = conv_2d_mve_step(s, x, y, &w);
    }
    if (last != 16) {
        s = conv_2d_mve_step(s, tinykd_load_some_bytes(a, last), tinykd_load_some_bytes(b, last), &w);
    }
    *weights = w;
    return s;
}

/* Pixels at a and b with every filter; `chunks` is 1, 2, 3, or 0 for any number. */
TINYKD_INLINE void conv_2d_mve_filters(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b,
                                       int32_t chunks, tinykd_requantizing *requantize)
{
    const int32_t last = p->last, zero_point = p->output_zero_point;
    const int8_t *weights = p->weights;
    const int32_t *scaling = p->scaling;
    struct conv_2d_mve_pixel held_a, held_b;

    if (chunks != 0) {
        held_a = conv_2d_mve_held(a, chunks, last);
        held_b = conv_2d_mve_held(b, chunks, last);
    }
    for (int32_t left = p->out_channels; left > 0; left -= 4, to_a += 4, to_b += 4, scaling += 12) {
        const struct conv_2d_mve_sums even = chunks != 0 ? conv_2d_mve_short(held_a, held_b, chunks, &weights)
                                                         : conv_2d_mve_long(a, b, p->chunks, last, &weights);
        const struct conv_2d_mve_sums odd = chunks != 0 ? conv_2d_mve_short(held_a, held_b, chunks, &weights)
                                                        : conv_2d_mve_long(a, b, p->chunks, last, &weights);
        const tinykd_words x = requantize(tinykd_four_words(even.a0, odd.a0, even.a1, odd.a1), scaling);
        const tinykd_words y = requantize(tinykd_four_words(even.b0, odd.b0, even.b1, odd.b1), scaling);
        const tinykd_bytes bytes = tinykd_narrow_words(x, y, zero_point);

        if (left >= 4) {
            tinykd_store_narrowed(to_a, to_b, bytes);
        } else {
            tinykd_store_some_narrowed(to_a, to_b, bytes, left);
        }
    }
}

TINYKD_INLINE void conv_2d_mve_pair(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b,
                                    tinykd_requantizing *requantize)
{
    switch (p->chunks) {
    case 1:
        conv_2d_mve_filters(p, a, b, to_a, to_b, 1, requantize);
        break;
    case 2:
        conv_2d_mve_filters(p, a, b, to_a, to_b, 2, requantize);
        break;
    case 3:
        conv_2d_mve_filters(p, a, b, to_a, to_b, 3, requantize);
        break;
    default:
        conv_2d_mve_filters(p, a, b, to_a, to_b, 0, requantize);
    }
    if (p->clamp_low > -128 || p->clamp_high < 127) {
        tinykd_clamp_in_place(to_a, p->out_channels, p->clamp_low, p->clamp_high);
        tinykd_clamp_in_place(to_b, p->out_channels, p->clamp_low, p->clamp_high);
    }
}

typedef void conv_2d_mve_pairing(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b);

static void conv_2d_mve_signed(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b)
{
    conv_2d_mve_pair(p, a, b, to_a, to_b, tinykd_requantize_words);
}

static void conv_2d_mve_positive(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b)
{
    conv_2d_mve_pair(p, a, b, to_a, to_b, tinykd_requantize_positive_words);
}

/* Pixels as they lie in the input. */
TINYKD_INLINE void conv_2d_mve_direct(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, conv_2d_mve_pairing *pair)
{
    const int32_t step = p->stride_width * p->in_channels;

    for (int32_t y = 0; y < p->out_height; ++y, input += p->stride_height * p->in_width * p->in_channels) {
        const int8_t *a = input;

        for (int32_t left = p->out_width; left > 0; left -= 2, a += 2 * step) {
            const int32_t pixels = left > 1 ? 2 : 1; /* the last of an odd number is its own neighbour */

            pair(p, a, a + (pixels - 1) * step, output, output + (pixels - 1) * p->out_channels);
            output += pixels * p->out_channels;
        }
    }
}

void tinykd_conv_2d_mve_s8(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output)
{
    conv_2d_mve_direct(p, input, output, conv_2d_mve_signed);
}

void tinykd_conv_2d_positive_mve_s8(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output)
{
    conv_2d_mve_direct(p, input, output, conv_2d_mve_positive);
}

/* The window of one pixel: [kernel_height, kernel_width, in_channels] with the zero point outside. */
static void conv_2d_mve_gather(const struct tinykd_conv_2d_mve *p, const int8_t *input, int32_t y, int32_t x, int8_t *window)
{
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, p->dilation_height);
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
    const int32_t in_row = p->in_width * p->in_channels, window_row = p->kernel_width * p->in_channels;
    const int32_t bytes = (columns.end - columns.first) * p->in_channels;
    const int8_t *from = input + (top + rows.first * p->dilation_height) * in_row + (left + columns.first) * p->in_channels;
    int8_t *to = window + rows.first * window_row + columns.first * p->in_channels;

    if (rows.end - rows.first < p->kernel_height || columns.end - columns.first < p->kernel_width) {
        const tinykd_bytes outside = tinykd_same_bytes(p->input_zero_point);

        for (int32_t i = 0; i < p->chunks; ++i) {
            tinykd_store_bytes(window + 16 * i, outside);
        }
    }
    for (int32_t i = rows.end - rows.first; i > 0; --i, from += p->dilation_height * in_row, to += window_row) {
        const int8_t *source = from;
        int8_t *target = to;
        int32_t count = bytes;

        for (; count >= 16; count -= 16, target += 16) {
            tinykd_store_bytes(target, tinykd_next_bytes(&source));
        }
        if (count > 0) {
            tinykd_store_some_bytes(target, tinykd_load_some_bytes(source, count), count);
        }
    }
}

TINYKD_INLINE void conv_2d_mve_gathered(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch,
                                        conv_2d_mve_pairing *pair)
{
    int8_t *const second = scratch + 16 * p->chunks;

    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width; x += 2) {
            const int32_t pixels = x + 1 < p->out_width ? 2 : 1;

            conv_2d_mve_gather(p, input, y, x, scratch);
            if (pixels == 2) {
                conv_2d_mve_gather(p, input, y, x + 1, second);
            }
            pair(p, scratch, pixels == 2 ? second : scratch, output, output + (pixels - 1) * p->out_channels);
            output += pixels * p->out_channels;
        }
    }
}

void tinykd_conv_2d_gather_mve_s8(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    conv_2d_mve_gathered(p, input, output, scratch, conv_2d_mve_signed);
}

void tinykd_conv_2d_gather_positive_mve_s8(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    conv_2d_mve_gathered(p, input, output, scratch, conv_2d_mve_positive);
}
