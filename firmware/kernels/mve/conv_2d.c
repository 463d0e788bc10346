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

/* What registers hold of a pixel. */
struct conv_2d_mve_pixel {
    tinykd_bytes v0, v1, v2, v3;
};

/* One to three times 16 bytes, `last` of them in the last; or four times 16. */
TINYKD_INLINE struct conv_2d_mve_pixel conv_2d_mve_held(const int8_t *x, int32_t chunks, int32_t last)
{
    struct conv_2d_mve_pixel held;

    held.v0 = chunks == 1 ? tinykd_load_some_bytes(x, last) : tinykd_load_bytes(x);
    held.v1 = chunks < 2 ? held.v0 : chunks == 2 ? tinykd_load_some_bytes(x + 16, last) : tinykd_load_bytes(x + 16);
    held.v2 = chunks < 3 ? held.v0 : chunks == 3 ? tinykd_load_some_bytes(x + 32, last) : tinykd_load_bytes(x + 32);
    held.v3 = chunks < 4 ? held.v0 : tinykd_load_bytes(x + 48);
    return held;
}

/* The first 16 bytes of both pixels with both filters. */
TINYKD_INLINE struct tinykd_sums conv_2d_mve_first(tinykd_bytes a, tinykd_bytes b, const int8_t **weights)
{
    struct tinykd_sums s;
    tinykd_bytes w = tinykd_next_bytes(weights);

    s.s0 = tinykd_first_dot(a, w);
    s.s2 = tinykd_first_dot(b, w);
    w = tinykd_next_bytes(weights);
    s.s1 = tinykd_first_dot(a, w);
    s.s3 = tinykd_first_dot(b, w);
    return s;
}

/* 16 bytes more. */
TINYKD_INLINE struct tinykd_sums conv_2d_mve_more(struct tinykd_sums s, tinykd_bytes a, tinykd_bytes b, const int8_t **weights)
{
    tinykd_bytes w = tinykd_next_bytes(weights);

    s.s0 = tinykd_dot(s.s0, a, w);
    s.s2 = tinykd_dot(s.s2, b, w);
    w = tinykd_next_bytes(weights);
    s.s1 = tinykd_dot(s.s1, a, w);
    s.s3 = tinykd_dot(s.s3, b, w);
    return s;
}

TINYKD_INLINE struct tinykd_sums conv_2d_mve_short(const struct conv_2d_mve_pixel *a, const struct conv_2d_mve_pixel *b, int32_t chunks,
                                                        const int8_t **weights)
{
    struct tinykd_sums s = conv_2d_mve_first(a->v0, b->v0, weights);

    if (chunks > 1) {
        s = conv_2d_mve_more(s, a->v1, b->v1, weights);
    }
    if (chunks > 2) {
        s = conv_2d_mve_more(s, a->v2, b->v2, weights);
    }
    return s;
}

/* Four times 16 bytes or more; of the first pixel the first four are held, and the rest lies at `a`. */
TINYKD_INLINE struct tinykd_sums conv_2d_mve_long(const struct conv_2d_mve_pixel *held, const int8_t *a, const int8_t *b, int32_t chunks,
                                                  const int8_t **weights)
{
    const int8_t *w = *weights;
    struct tinykd_sums s = {0, 0, 0, 0};

    s = tinykd_first_dot_2x2_held(s, held->v0, &b, &w);
    s = tinykd_dot_2x2_held(s, held->v1, &b, &w);
    s = tinykd_dot_2x2_held(s, held->v2, &b, &w);
    s = tinykd_dot_2x2_held(s, held->v3, &b, &w);
    for (int32_t i = (chunks - 4) >> 2; i > 0; --i) {
        s = tinykd_dot_2x2(s, &a, &b, &w);
        s = tinykd_dot_2x2(s, &a, &b, &w);
        s = tinykd_dot_2x2(s, &a, &b, &w);
        s = tinykd_dot_2x2(s, &a, &b, &w);
    }
    for (int32_t i = chunks & 3; i > 0; --i) {
        s = tinykd_dot_2x2(s, &a, &b, &w);
    }
    *weights = w;
    return s;
}

/* Pixels at a and b with every filter; `chunks` is 1 to 4, or 0 for more. */
TINYKD_INLINE void conv_2d_mve_pair(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a, int8_t *to_b,
                                    int32_t chunks, tinykd_requantizing *requantize)
{
    const int32_t zero_point = p->output_zero_point, count = chunks != 0 ? chunks : p->chunks, few = chunks != 0 && chunks < 4;
    const int8_t *weights = p->weights;
    const int32_t *scaling = p->scaling;
    const struct conv_2d_mve_pixel held_a = conv_2d_mve_held(a, few ? chunks : 4, p->last);
    const struct conv_2d_mve_pixel held_b = conv_2d_mve_held(b, few ? chunks : 4, p->last);
    const int8_t *const rest = a + 64;

    for (int32_t quads = p->out_channels >> 2; quads > 0; --quads, to_a += 4, to_b += 4) {
        struct tinykd_sums s = few ? conv_2d_mve_short(&held_a, &held_b, chunks, &weights) : conv_2d_mve_long(&held_a, rest, b, count, &weights);
        tinykd_words x = tinykd_even_words(s.s0, s.s1), y = tinykd_even_words(s.s2, s.s3);

        s = few ? conv_2d_mve_short(&held_a, &held_b, chunks, &weights) : conv_2d_mve_long(&held_a, rest, b, count, &weights);
        x = tinykd_with_odd_words(x, s.s0, s.s1);
        y = tinykd_with_odd_words(y, s.s2, s.s3);
        const struct tinykd_scaling scale = tinykd_next_scaling(&scaling);
        tinykd_store_narrowed(to_a, to_b, tinykd_narrow_words(requantize(x, scale), requantize(y, scale), zero_point));
    }
}

/* The windows of two pixels that lie inside. A row of a window may be written past its end: the next row follows, or nothing. */
static __attribute__((noinline)) void conv_2d_mve_copy(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b, int8_t *to_a,
                                                       int8_t *to_b)
{
    const int32_t step = p->dilation_height * p->in_width * p->in_channels, bytes = p->kernel_width * p->in_channels;
    const int32_t whole = bytes >> 4, some = bytes & 15;

    for (int32_t rows = p->kernel_height; rows > 0; --rows, a += step, b += step, to_a += some, to_b += some) {
        const int8_t *x = a, *y = b;

        for (int32_t i = whole; i > 0; --i, to_a += 16, to_b += 16) {
            tinykd_store_bytes(to_a, tinykd_next_bytes(&x));
            tinykd_store_bytes(to_b, tinykd_next_bytes(&y));
        }
        if (some != 0) {
            tinykd_store_bytes(to_a, tinykd_load_some_bytes(x, some));
            tinykd_store_bytes(to_b, tinykd_load_some_bytes(y, some));
        }
    }
}

/* The window of one pixel: [kernel_height, kernel_width, in_channels] with the zero point outside. */
static __attribute__((noinline)) void conv_2d_mve_gather(const struct tinykd_conv_2d_mve *p, const int8_t *input, int32_t top, int32_t left,
                                                         int8_t *window)
{
    const int32_t in_row = p->in_width * p->in_channels, window_row = p->kernel_width * p->in_channels;
    const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->kernel_height, p->dilation_height);
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->kernel_width, 1);
    const int32_t bytes = (columns.end - columns.first) * p->in_channels;
    const tinykd_bytes outside = tinykd_same_bytes(p->input_zero_point);

    for (int32_t i = 0; i < p->chunks; ++i) {
        tinykd_store_bytes(window + 16 * i, outside);
    }
    const int32_t step = p->dilation_height * in_row, whole = bytes >> 4, some = bytes & 15;
    const int8_t *from = input + (top + rows.first * p->dilation_height) * in_row + (left + columns.first) * p->in_channels;
    int8_t *to = window + rows.first * window_row + columns.first * p->in_channels;

    for (int32_t i = rows.end - rows.first; i > 0; --i, from += step, to += window_row) {
        const int8_t *x = from;
        int8_t *at = to;

        for (int32_t k = whole; k > 0; --k, at += 16) {
            tinykd_store_bytes(at, tinykd_next_bytes(&x));
        }
        if (some != 0) {
            tinykd_store_some_bytes(at, tinykd_load_some_bytes(x, some), some);
        }
    }
}

/* Both windows, at `row` of the input if it lies inside, else null. */
TINYKD_INLINE void conv_2d_mve_windows(const struct tinykd_conv_2d_mve *p, const int8_t *input, const int8_t *row, int32_t top, int32_t left,
                                       int32_t apart, int8_t *to_a, int8_t *to_b)
{
    if (row != 0 && left >= 0 && left + apart + p->kernel_width <= p->in_width) {
        conv_2d_mve_copy(p, row + left * p->in_channels, row + (left + apart) * p->in_channels, to_a, to_b);
    } else {
        conv_2d_mve_gather(p, input, top, left, to_a);
        conv_2d_mve_gather(p, input, top, left + apart, to_b);
    }
}

/* All pixels, two by two; the last of an odd number is its own neighbour. Without `scratch` they lie in the input. */
TINYKD_INLINE void conv_2d_mve(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch, int32_t chunks,
                               tinykd_requantizing *requantize)
{
    const int32_t channels = p->out_channels, step = p->stride_width * p->in_channels, reach = (p->kernel_height - 1) * p->dilation_height;

    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const int8_t *const line = top >= 0 && top + reach < p->in_height ? input + top * p->in_width * p->in_channels : 0;
        const int8_t *a = line;
        int8_t *const row = output;

        for (int32_t x = 0; x < p->out_width; x += 2) {
            const int32_t second = x + 1 < p->out_width ? 1 : 0;

            if (scratch != 0) {
                int8_t *const second_window = scratch + 16 * p->chunks + 16;

                conv_2d_mve_windows(p, input, line, top, x * p->stride_width - p->pad_left, second * p->stride_width, scratch, second_window);
                conv_2d_mve_pair(p, scratch, second_window, output, output + second * channels, chunks, requantize);
            } else {
                const int8_t *const b = a + second * step;

                conv_2d_mve_pair(p, a, b, output, output + second * channels, chunks, requantize);
                a = b + step;
            }
            output += channels + second * channels;
        }
        if (p->clamp_low > -128 || p->clamp_high < 127) {
            tinykd_clamp_in_place(row, p->out_width * channels, p->clamp_low, p->clamp_high);
        }
    }
}

#define CONV_2D_MVE(name, chunks, requantize)                                                                          \
    void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output)                                 \
    {                                                                                                                  \
        conv_2d_mve(p, input, output, 0, chunks, requantize);                                                          \
    }
#define CONV_2D_GATHER_MVE(name, chunks, requantize)                                                                   \
    void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)                \
    {                                                                                                                  \
        conv_2d_mve(p, input, output, scratch, chunks, requantize);                                                    \
    }

CONV_2D_MVE(tinykd_conv_2d_1_mve_s8, 1, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_2_mve_s8, 2, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_3_mve_s8, 3, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_4_mve_s8, 4, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_n_mve_s8, 0, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_1_positive_mve_s8, 1, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_2_positive_mve_s8, 2, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_3_positive_mve_s8, 3, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_4_positive_mve_s8, 4, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_n_positive_mve_s8, 0, tinykd_requantize_positive_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_1_mve_s8, 1, tinykd_requantize_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_2_mve_s8, 2, tinykd_requantize_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_3_mve_s8, 3, tinykd_requantize_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_4_mve_s8, 4, tinykd_requantize_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_n_mve_s8, 0, tinykd_requantize_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_1_positive_mve_s8, 1, tinykd_requantize_positive_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_2_positive_mve_s8, 2, tinykd_requantize_positive_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_3_positive_mve_s8, 3, tinykd_requantize_positive_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_4_positive_mve_s8, 4, tinykd_requantize_positive_words)
CONV_2D_GATHER_MVE(tinykd_conv_2d_gather_n_positive_mve_s8, 0, tinykd_requantize_positive_words)
