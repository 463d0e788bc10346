/* SPDX-License-Identifier: Apache-2.0
 * SOFTMAX, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/reciprocal.h"
#include "tinykd/requantize.h"
#include "tinykd/saturate.h"
#include "tinykd/softmax.h"

static int32_t exponential(const struct tinykd_softmax *p, int32_t below)
{
    return below < p->entries ? p->exponentials[below] : 0;
}

void tinykd_softmax_s8(const struct tinykd_softmax *layer, const int8_t *input, int8_t *output)
{
    const struct tinykd_softmax copy = *layer, *const p = &copy; /* which no output can alias */

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
        const int32_t inverse = tinykd_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
        const int32_t exponent = 12 - zeros + 31 - 8;

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t product = tinykd_high_multiply(inverse, exponential(p, largest - input[i]));
            const int32_t scaled = exponent > 31 ? 0 : tinykd_shift_right(product, exponent); /* sums over 512 */
            output[i] = (int8_t)(scaled > 255 ? 127 : scaled - 128);
        }
    }
}
