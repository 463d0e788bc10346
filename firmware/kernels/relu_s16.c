/* SPDX-License-Identifier: Apache-2.0
 * RELU and RELU6 of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/relu.h"
#include "tinykd/requantize.h"

void tinykd_relu_s16(const struct tinykd_relu *p, const int16_t *input, int16_t *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        const int32_t scaled = tinykd_requantize(input[i], p->multiplier, p->shift);
        output[i] = (int16_t)tinykd_clamp(scaled, p->clamp_low, p->clamp_high);
    }
}
