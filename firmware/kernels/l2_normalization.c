/* SPDX-License-Identifier: Apache-2.0
 * L2_NORMALIZATION, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/l2_normalization.h"
#include "tinykd/requantize.h"
#include "tinykd/saturate.h"

struct tinykd_scale {
    int32_t multiplier, shift;
};

/* 1 / sqrt(value) for value >= 0, 0 counting as 1: five steps of Newton's method in Q3.28. */
static struct tinykd_scale inverse_root(int32_t value)
{
    struct tinykd_scale scale = {INT32_MAX, 0};
    int32_t right = 11;
    int32_t x = (int32_t)1 << 28;

    if (value <= 1) {
        return scale;
    }
    while (value >= (int32_t)1 << 29) {
        value /= 4;
        ++right;
    }
    const int32_t pairs = (tinykd_leading_zeros((uint32_t)value) - 1) / 2 - 1;
    const int32_t raised = (value * ((int32_t)1 << (2 * pairs))) >> 1;
    const int32_t half = tinykd_shift_right(raised, 1);

    for (int32_t step = 0; step < 5; ++step) {
        const int32_t cube = tinykd_shift_left_saturating(tinykd_high_multiply(tinykd_high_multiply(x, x), x), 6);
        const int32_t next = tinykd_high_multiply(((int32_t)1 << 28) + ((int32_t)1 << 27), x) - tinykd_high_multiply(half, cube);
        x = tinykd_shift_left_saturating(next, 3);
    }
    right -= pairs;
    x = tinykd_high_multiply(x, 1518500250); /* sqrt(2) / 2 */
    scale.multiplier = right < 0 ? x * ((int32_t)1 << -right) : x;
    scale.shift = right < 0 ? 0 : -right;
    return scale;
}

void tinykd_l2_normalization_s8(const struct tinykd_l2_normalization *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t sum = 0;

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t x = input[i] - p->input_zero_point;
            sum += x * x;
        }
        const struct tinykd_scale scale = inverse_root(sum);

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t scaled = tinykd_requantize(input[i] - p->input_zero_point, scale.multiplier, scale.shift + 7);
            output[i] = (int8_t)tinykd_clamp(scaled, INT8_MIN, INT8_MAX);
        }
    }
}
