/* SPDX-License-Identifier: Apache-2.0
 * SOFTMAX, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/requantize.h"
#include "tinykd/saturate.h"
#include "tinykd/softmax.h"

/* 1 / (1 + x) for x from 0 to 1, both Q0.31: three steps of Newton's method in Q2.29. */
static int32_t one_over_one_plus(int32_t x)
{
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t guess = 1515870810 + tinykd_high_multiply(half_denominator, -1010580540); /* 48/17 - 32/17 * d */

    for (int32_t step = 0; step < 3; ++step) {
        const int32_t error = ((int32_t)1 << 29) - tinykd_high_multiply(half_denominator, guess);
        guess += tinykd_shift_left_saturating(tinykd_high_multiply(guess, error), 2);
    }
    return tinykd_shift_left_saturating(guess, 1);
}

static int32_t exponential(const struct tinykd_softmax *p, int32_t below)
{
    return below < p->entries ? p->exponentials[below] : 0;
}

void tinykd_softmax_s8(const struct tinykd_softmax *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t largest = INT8_MIN;
        int32_t sum = 0; /* Q12.19, at least 1 */

        for (int32_t i = 0; i < p->depth; ++i) {
            largest = input[i] > largest ? input[i] : largest;
        }
        for (int32_t i = 0; i < p->depth; ++i) {
            sum += tinykd_shift_right(exponential(p, largest - input[i]), 12);
        }
        const int32_t zeros = tinykd_leading_zeros((uint32_t)sum);
        const int32_t inverse = one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        const int32_t exponent = 12 - zeros + 31 - 8;

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t product = tinykd_high_multiply(inverse, exponential(p, largest - input[i]));
            const int32_t scaled = exponent > 31 ? 0 : tinykd_shift_right(product, exponent); /* sums over 512 */
            output[i] = (int8_t)(scaled > 255 ? 127 : scaled - 128);
        }
    }
}
