/* SPDX-License-Identifier: Apache-2.0
 * LOG_SOFTMAX, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/log_softmax.h"
#include "tinykd/reciprocal.h"
#include "tinykd/requantize.h"
#include "tinykd/saturate.h"

/* log(x) in Q5.26 for x >= 1 in Q12.19: the exponent of 2 and a rational function of what remains. */
static int32_t log_of_sum(int32_t x)
{
    const int32_t half_root = 1518500250;  /* sqrt(1/2) */
    const int32_t centre = 1805811301;     /* (1/2)^(1/4) */
    const int32_t quarter = (int32_t)1 << 23; /* in Q6.25 */
    const int32_t zeros = tinykd_leading_zeros((uint32_t)x);
    const int32_t low_zeros = tinykd_leading_zeros((uint32_t)tinykd_high_multiply(x, half_root)) - 1;

    const int32_t high = tinykd_high_multiply(tinykd_shift_left_saturating(x, zeros - 1), half_root);
    const int32_t r_high = tinykd_shift_left_saturating(high, 1);
    const int32_t r_low = tinykd_shift_left_saturating(x, low_zeros);
    const int32_t exponent_high = (12 - zeros) * ((int32_t)1 << 25) + quarter;
    const int32_t exponent_low = (12 - low_zeros) * ((int32_t)1 << 25) - quarter;
    const int32_t r = r_high < r_low ? r_high : r_low;
    const int32_t exponent = exponent_high > exponent_low ? exponent_high : exponent_low;

    const int32_t p = (int32_t)(((int64_t)r + centre + 1) / 2);
    const int32_t q = 2 * (r - centre);
    const int32_t square = tinykd_high_multiply(q, q);
    const int32_t numerator =
        tinykd_high_multiply(q, r) + tinykd_high_multiply(tinykd_high_multiply(q, square), 117049297);
    const int32_t inner = 1057819769 + q + tinykd_high_multiply(square, 127690142);
    const int32_t denominator = tinykd_high_multiply(p, inner) + tinykd_high_multiply(q, 638450708);
    const int32_t ratio = tinykd_high_multiply(tinykd_shift_right(numerator, 6), tinykd_one_over_one_plus(denominator));

    return tinykd_shift_left_saturating(tinykd_high_multiply(exponent, 1488522236) + ratio, 1); /* log(2) */
}

void tinykd_log_softmax_s8(const struct tinykd_log_softmax *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t largest = INT8_MIN;
        int32_t sum = 0; /* Q12.19, at least 1 */

        for (int32_t i = 0; i < p->depth; ++i) {
            largest = input[i] > largest ? input[i] : largest;
        }
        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t below = largest - input[i];
            sum += tinykd_shift_right(below < p->entries ? p->exponentials[below] : 0, 12);
        }
        const int32_t logarithm = log_of_sum(sum);
        const int32_t representable = tinykd_requantize(logarithm + INT32_MIN, p->reverse_multiplier, p->reverse_shift);
        const int32_t floor = representable > p->floor ? representable : p->floor;

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t difference = input[i] - largest;
            int32_t result = INT8_MIN;

            if (difference > floor) {
                const int32_t scaled = tinykd_requantize(difference, p->multiplier, p->shift);
                result = tinykd_clamp(tinykd_shift_right(scaled - logarithm, 22) + 127, INT8_MIN, INT8_MAX);
            }
            output[i] = (int8_t)result;
        }
    }
}
