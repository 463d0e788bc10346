/* SPDX-License-Identifier: Apache-2.0
 * LEAKY_RELU of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/leaky_relu.h"
#include "tinykd/requantize.h"

void tinykd_leaky_relu_s16(const struct tinykd_leaky_relu *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t x = input[i];
        const int32_t scaled = x >= 0 ? tinykd_requantize(x, p->positive_multiplier, p->positive_shift)
                                      : tinykd_requantize(x, p->negative_multiplier, p->negative_shift);
        output[i] = (int16_t)tinykd_clamp(scaled, INT16_MIN, INT16_MAX);
    }
}
