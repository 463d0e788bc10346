/* SPDX-License-Identifier: Apache-2.0
 * SOFTMAX of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/requantize.h"
#include "tinykd/saturate.h"
#include "tinykd/softmax.h"

/* The line through the points around x, -32768 to 32767, at x. */
static int32_t interpolated(const int16_t *points, int32_t x)
{
    const int16_t *point = points + (256 + (x >> 7));
    return *point + (((point[1] - *point) * (x & 127) + 64) >> 7);
}

/* exp of `below` quanta under the row's largest value, Q0.15. */
static int32_t exponential_s16(const struct tinykd_softmax_s16 *p, int32_t below)
{
    const int32_t scaled = tinykd_requantize(-below, p->multiplier, p->shift);
    return interpolated(p->exponentials, tinykd_clamp(scaled + INT16_MAX, INT16_MIN, INT16_MAX));
}

void tinykd_softmax_s16(const struct tinykd_softmax_s16 *p, const int16_t *input, int16_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->depth) {
        int32_t largest = INT16_MIN;
        int32_t sum = 0; /* Q16.15 */

        for (int32_t i = 0; i < p->depth; ++i) {
            largest = input[i] > largest ? input[i] : largest;
        }
        for (int32_t i = 0; i < p->depth; ++i) {
            sum += exponential_s16(p, largest - input[i]);
        }
        const int32_t bits = 31 - tinykd_leading_zeros((uint32_t)sum);
        const int32_t mantissa = (int32_t)((((uint32_t)sum << (30 - bits)) + (1u << 13)) >> 14); /* Q1.16 */
        const int32_t inverse = interpolated(p->reciprocals, tinykd_clamp(mantissa - 3 * (1 << 15), INT16_MIN, INT16_MAX));

        for (int32_t i = 0; i < p->depth; ++i) {
            const int32_t product = exponential_s16(p, largest - input[i]) * inverse;
            output[i] = (int16_t)tinykd_clamp((product + ((int32_t)1 << (bits - 1))) >> bits, 0, INT16_MAX);
        }
    }
}
