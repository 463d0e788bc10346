/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores with Helium: one group, one image, no dilation along a row.
 *
 * Two pixels meet two filters: 4 loads and 4 products for 64 multiply-accumulates; up to 48 bytes of both pixels stay in
 * registers for all filters. Filters lie in the table as the loop reads them: by fours, of these the first and third, then the
 * second and fourth, 16 bytes of each in turn, as two sums move into a vector at once, to every other place.
 * The zero point of the input is in the biases.
 *
 * Kernels larger than a tap read windows from lines in `scratch`, where the pixel in column x and row t, both counted with the padding,
 * is pixel kernel_height * x + t. A window is then kernel_width * kernel_height pixels in a row, the one below begins a pixel (a stride)
 * later, and a new row goes where the next column has a row that no window needs any more. Each input is copied once. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

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

    s.s0 = tinykd_dot_bytes(s.s0, a, w);
    s.s2 = tinykd_dot_bytes(s.s2, b, w);
    w = tinykd_next_bytes(weights);
    s.s1 = tinykd_dot_bytes(s.s1, a, w);
    s.s3 = tinykd_dot_bytes(s.s3, b, w);
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

/* Any number of times 16 bytes, nothing held: the least code. */
#define CONV_2D_MVE_SMALL 5

TINYKD_INLINE struct tinykd_sums conv_2d_mve_any(const int8_t *a, const int8_t *b, int32_t chunks, const int8_t **weights)
{
    struct tinykd_sums s = {0, 0, 0, 0};

    for (; chunks > 0; --chunks) {
        s = tinykd_dot_2x2(s, &a, &b, weights);
    }
    return s;
}

/* The same two pixels with every filter. */
static __attribute__((noinline, unused)) void conv_2d_mve_small_pair(const struct tinykd_conv_2d_mve *p, const int8_t *a, const int8_t *b,
                                                                     int8_t *to_a, int8_t *to_b)
{
    const int8_t *weights = p->weights;
    const int32_t *scaling = p->scaling;

    for (int32_t quads = p->out_channels >> 2; quads > 0; --quads, to_a += 4, to_b += 4) {
        const struct tinykd_sums even = conv_2d_mve_any(a, b, p->chunks, &weights), odd = conv_2d_mve_any(a, b, p->chunks, &weights);
        const struct tinykd_scaling scale = tinykd_next_scaling(&scaling);
        const tinykd_words x = tinykd_requantize_words(tinykd_four_words(even.s0, odd.s0, even.s1, odd.s1), scale);
        const tinykd_words y = tinykd_requantize_words(tinykd_four_words(even.s2, odd.s2, even.s3, odd.s3), scale);

        tinykd_store_narrowed(to_a, to_b, tinykd_narrow_words(x, y, p->output_zero_point));
    }
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

/* A row of windows that lie `apart` bytes from each other, two by two; the last of an odd number is its own neighbour. */
TINYKD_INLINE void conv_2d_mve_row(const struct tinykd_conv_2d_mve *p, const int8_t *a, int32_t apart, int8_t *output, int32_t chunks,
                                   tinykd_requantizing *requantize)
{
    const int32_t channels = p->out_channels;
    int8_t *const row = output;

    for (int32_t left = p->out_width; left > 0; left -= 2) {
        const int8_t *const b = left > 1 ? a + apart : a;
        int8_t *const second = left > 1 ? output + channels : output;

        if (chunks == CONV_2D_MVE_SMALL) {
            conv_2d_mve_small_pair(p, a, b, output, second);
        } else {
            conv_2d_mve_pair(p, a, b, output, second, chunks, requantize);
        }
        a = b + apart;
        output = second + channels;
    }
    if (p->clamp_low > -128 || p->clamp_high < 127) {
        tinykd_clamp_in_place(row, p->out_width * channels, p->clamp_low, p->clamp_high);
    }
}

/* Pixels as they lie in the input. */
TINYKD_INLINE void conv_2d_mve(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int32_t chunks,
                               tinykd_requantizing *requantize)
{
    const int32_t step = p->stride_height * p->in_width * p->in_channels;

    for (int32_t y = 0; y < p->out_height; ++y, input += step, output += p->out_width * p->out_channels) {
        conv_2d_mve_row(p, input, p->stride_width * p->in_channels, output, chunks, requantize);
    }
}

/* `count` pixels of zero points into the lines, `step` bytes from each other. */
static int8_t *conv_2d_mve_outside(const struct tinykd_conv_2d_mve *p, int8_t *to, int32_t step, int32_t count)
{
    const tinykd_bytes outside = tinykd_same_bytes(p->input_zero_point);

    for (; count > 0; --count, to += step) {
        int8_t *at = to;

        for (int32_t i = p->in_channels >> 4; i > 0; --i, at += 16) {
            tinykd_store_bytes(at, outside);
        }
        if ((p->in_channels & 15) != 0) {
            tinykd_store_some_bytes(at, outside, p->in_channels & 15);
        }
    }
    return to;
}

/* One row of the padded input into the lines; `row` is null outside. */
static __attribute__((noinline)) void conv_2d_mve_insert(const struct tinykd_conv_2d_mve *p, const int8_t *row, int8_t *lines)
{
    const int32_t channels = p->in_channels, step = p->kernel_height * channels;
    const int32_t columns = (p->out_width - 1) * p->stride_width + p->kernel_width, room = columns - p->pad_left;
    const int32_t inside = row == 0 ? 0 : p->in_width < room ? p->in_width : room;
    int8_t *to = conv_2d_mve_outside(p, lines, step, row == 0 ? columns : p->pad_left);

    if (row == 0) {
        return;
    }
    if (channels < 16) {
        const tinykd_bytes offsets = tinykd_load_bytes((const int8_t *)p->spread);
        const int32_t together = 16 / channels;
        int8_t *at = to;
        int32_t bytes = inside * channels;

        for (; bytes >= 16; bytes -= together * channels, row += together * channels, at += together * step) {
            tinykd_scatter_bytes(at, offsets, tinykd_load_bytes(row));
        }
        tinykd_scatter_some_bytes(at, offsets, tinykd_load_some_bytes(row, bytes), bytes);
        to += inside * step;
    } else {
        for (int32_t x = inside; x > 0; --x, to += step) {
            int8_t *at = to;

            for (int32_t i = channels >> 4; i > 0; --i, at += 16) {
                tinykd_store_bytes(at, tinykd_next_bytes(&row));
            }
            if ((channels & 15) != 0) {
                tinykd_store_some_bytes(at, tinykd_load_some_bytes(row, channels & 15), channels & 15);
                row += channels & 15;
            }
        }
    }
    (void)conv_2d_mve_outside(p, to, step, room - inside);
}

TINYKD_INLINE void conv_2d_mve_lines(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch, int32_t chunks,
                                     tinykd_requantizing *requantize)
{
    const int32_t channels = p->in_channels, in_row = p->in_width * channels, apart = p->stride_width * p->kernel_height * channels;
    int32_t inserted = 0;

    for (int32_t y = 0; y < p->out_height; ++y, output += p->out_width * p->out_channels) {
        const int32_t top = y * p->stride_height;

        for (inserted = inserted < top ? top : inserted; inserted < top + p->kernel_height; ++inserted) {
            const int32_t row = inserted - p->pad_top;
            conv_2d_mve_insert(p, row >= 0 && row < p->in_height ? input + row * in_row : 0, scratch + inserted * channels);
        }
        conv_2d_mve_row(p, scratch + top * channels, apart, output, chunks, requantize);
    }
}

#define CONV_2D_MVE(name, chunks, requantize)                                                                          \
    void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output)                                 \
    {                                                                                                                  \
        conv_2d_mve(p, input, output, chunks, requantize);                                                             \
    }
#define CONV_2D_LINES_MVE(name, chunks, requantize)                                                                   \
    void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)                \
    {                                                                                                                  \
        conv_2d_mve_lines(p, input, output, scratch, chunks, requantize);                                              \
    }

CONV_2D_MVE(tinykd_conv_2d_1_mve_s8, 1, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_2_mve_s8, 2, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_3_mve_s8, 3, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_4_mve_s8, 4, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_n_mve_s8, 0, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_small_mve_s8, CONV_2D_MVE_SMALL, tinykd_requantize_words)
CONV_2D_MVE(tinykd_conv_2d_1_positive_mve_s8, 1, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_2_positive_mve_s8, 2, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_3_positive_mve_s8, 3, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_4_positive_mve_s8, 4, tinykd_requantize_positive_words)
CONV_2D_MVE(tinykd_conv_2d_n_positive_mve_s8, 0, tinykd_requantize_positive_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_1_mve_s8, 1, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_2_mve_s8, 2, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_3_mve_s8, 3, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_4_mve_s8, 4, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_n_mve_s8, 0, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_small_mve_s8, CONV_2D_MVE_SMALL, tinykd_requantize_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_1_positive_mve_s8, 1, tinykd_requantize_positive_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_2_positive_mve_s8, 2, tinykd_requantize_positive_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_3_positive_mve_s8, 3, tinykd_requantize_positive_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_4_positive_mve_s8, 4, tinykd_requantize_positive_words)
CONV_2D_LINES_MVE(tinykd_conv_2d_lines_n_positive_mve_s8, 0, tinykd_requantize_positive_words)
