/* SPDX-License-Identifier: Apache-2.0
 * DEQUANTIZE to float32, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/affine.h"

void tinykd_dequantize_s8(const struct tinykd_affine *p, const int8_t *input, float *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = scale * (float)(input[i] - p->zero_point);
    }
}

void tinykd_dequantize_u8(const struct tinykd_affine *p, const uint8_t *input, float *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = scale * (float)(input[i] - p->zero_point);
    }
}
