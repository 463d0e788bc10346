/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with Helium. Sixteen bytes of a row meet those of four filters, which lie side by side in the table:
 * 5 loads and 4 products for 64 multiply-accumulates. The zero point of the input is in the biases. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

/* A row with the four filters at `*weights`, which is left behind them. */
TINYKD_INLINE tinykd_words fully_connected_mve_quad(const int8_t *row, int32_t depth, const int8_t **weights)
{
    const int8_t *w = *weights;
    struct tinykd_sums s = {0, 0, 0, 0};

    for (int32_t i = depth >> 6; i > 0; --i) {
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
        s = tinykd_dot_1x4(s, &row, &w);
    }
    for (int32_t i = depth >> 4 & 3; i > 0; --i) {
        s = tinykd_dot_1x4(s, &row, &w);
    }
    if ((depth & 15) != 0) {
        const tinykd_bytes x = tinykd_load_some_bytes(row, depth & 15);

        s.s0 = tinykd_dot(s.s0, x, tinykd_next_bytes(&w));
        s.s1 = tinykd_dot(s.s1, x, tinykd_next_bytes(&w));
        s.s2 = tinykd_dot(s.s2, x, tinykd_next_bytes(&w));
        s.s3 = tinykd_dot(s.s3, x, tinykd_next_bytes(&w));
    }
    *weights = w;
    return tinykd_four_words(s.s0, s.s1, s.s2, s.s3);
}

TINYKD_INLINE void fully_connected_mve(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output,
                                       tinykd_requantizing *requantize)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth) {
        const int8_t *weights = p->weights;
        const int32_t *scaling = p->scaling;
        int8_t *const first = output;
        int32_t left = p->channels;

        for (; left >= 8; left -= 8, output += 8) {
            const tinykd_words a = requantize(fully_connected_mve_quad(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            const tinykd_words b = requantize(fully_connected_mve_quad(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            tinykd_store_narrowed(output, output + 4, tinykd_narrow_words(a, b, p->output_zero_point));
        }
        for (; left > 0; left -= 4) {
            const tinykd_words a = requantize(fully_connected_mve_quad(input, p->depth, &weights), tinykd_next_scaling(&scaling));
            const int32_t some = left < 4 ? left : 4;
            tinykd_store_some_narrowed(output, output, tinykd_narrow_words(a, a, p->output_zero_point), some);
            output += some;
        }
        if (p->clamp_low > -128 || p->clamp_high < 127) {
            tinykd_clamp_in_place(first, p->channels, p->clamp_low, p->clamp_high);
        }
    }
}

void tinykd_fully_connected_single_mve_s8(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output)
{
    fully_connected_mve(p, input, output, tinykd_requantize_words_once);
}

void tinykd_fully_connected_double_mve_s8(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output)
{
    fully_connected_mve(p, input, output, tinykd_requantize_words);
}
