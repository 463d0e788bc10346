/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with Helium. Sixteen bytes of a row meet those of four filters, which lie side by side in the table:
 * 5 loads and 4 products for 64 multiply-accumulates. The zero point of the input is in the biases. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

/* A row of `depth` bytes, at least 16, with the four filters at `*weights`, which is left behind them. */
TINYKD_INLINE tinykd_words fully_connected_mve_quad(const int8_t *row, int32_t depth, const int8_t **weights)
{
    const int8_t *w = *weights;
    struct tinykd_sums s = {0, 0, 0, 0};

    s = tinykd_first_dot_1x4(s, &row, &w);
    for (int32_t i = (depth - 16) >> 4; i > 0; --i) {
        s = tinykd_dot_1x4(s, &row, &w);
    }
    if ((depth & 15) != 0) {
        const tinykd_bytes x = tinykd_load_some_bytes(row, depth & 15);

        s.s0 = tinykd_dot_bytes(s.s0, x, tinykd_next_bytes(&w));
        s.s1 = tinykd_dot_bytes(s.s1, x, tinykd_next_bytes(&w));
        s.s2 = tinykd_dot_bytes(s.s2, x, tinykd_next_bytes(&w));
        s.s3 = tinykd_dot_bytes(s.s3, x, tinykd_next_bytes(&w));
    }
    *weights = w;
    return tinykd_four_words(s.s0, s.s1, s.s2, s.s3);
}

/* The same with a depth that is a multiple of 64. */
TINYKD_INLINE tinykd_words fully_connected_mve_blocks(const int8_t *row, int32_t depth, const int8_t **weights)
{
    const int8_t *w = *weights;
    struct tinykd_sums s = {0, 0, 0, 0};

    s = tinykd_first_dot_1x4(s, &row, &w);
    s = tinykd_dot_1x4(s, &row, &w);
    s = tinykd_dot_1x4(s, &row, &w);
    s = tinykd_dot_1x4(s, &row, &w);
    for (int32_t i = (depth - 64) >> 6; i > 0; --i) {
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
    }
    *weights = w;
    return tinykd_four_words(s.s0, s.s1, s.s2, s.s3);
}

/* The same with a depth below 16. */
TINYKD_INLINE tinykd_words fully_connected_mve_short(const int8_t *row, int32_t depth, const int8_t **weights)
{
    const tinykd_bytes x = tinykd_load_some_bytes(row, depth);
    const int32_t s0 = tinykd_first_dot(x, tinykd_next_bytes(weights)), s1 = tinykd_first_dot(x, tinykd_next_bytes(weights));
    const int32_t s2 = tinykd_first_dot(x, tinykd_next_bytes(weights)), s3 = tinykd_first_dot(x, tinykd_next_bytes(weights));

    return tinykd_four_words(s0, s1, s2, s3);
}

typedef tinykd_words fully_connected_mve_summing(const int8_t *row, int32_t depth, const int8_t **weights);

TINYKD_INLINE void fully_connected_mve(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output,
                                       fully_connected_mve_summing *sum, tinykd_requantizing *requantize)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        const int8_t *weights = p->weights;
        const int32_t *scaling = p->scaling;
        int8_t *const first = output;
        int32_t left = p->channels;

        for (; left >= 8; left -= 8, output += 8) {
            const tinykd_words a = requantize(sum(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            const tinykd_words b = requantize(sum(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            tinykd_store_narrowed(output, output + 4, tinykd_narrow_words(a, b, p->output_zero_point));
        }
        for (; left > 0; left -= 4) {
            const tinykd_words a = requantize(sum(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            const int32_t some = left < 4 ? left : 4;
            tinykd_store_some_narrowed(output, output, tinykd_narrow_words(a, a, p->output_zero_point), some);
            output += some;
        }
        if (p->clamp_low > -128 || p->clamp_high < 127) {
            tinykd_clamp_in_place(first, p->channels, p->clamp_low, p->clamp_high);
        }
    }
}

#define FULLY_CONNECTED_MVE(name, sum, requantize)                                                                     \
    void name(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output)                         \
    {                                                                                                                  \
        fully_connected_mve(p, input, output, sum, requantize);                                                        \
    }

FULLY_CONNECTED_MVE(tinykd_fully_connected_single_mve_s8, fully_connected_mve_quad, tinykd_requantize_words_once)
FULLY_CONNECTED_MVE(tinykd_fully_connected_single_short_mve_s8, fully_connected_mve_short, tinykd_requantize_words_once)
FULLY_CONNECTED_MVE(tinykd_fully_connected_single_blocks_mve_s8, fully_connected_mve_blocks, tinykd_requantize_words_once)
FULLY_CONNECTED_MVE(tinykd_fully_connected_double_mve_s8, fully_connected_mve_quad, tinykd_requantize_words)
FULLY_CONNECTED_MVE(tinykd_fully_connected_double_short_mve_s8, fully_connected_mve_short, tinykd_requantize_words)
FULLY_CONNECTED_MVE(tinykd_fully_connected_double_blocks_mve_s8, fully_connected_mve_blocks, tinykd_requantize_words)
