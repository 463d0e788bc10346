/* SPDX-License-Identifier: Apache-2.0
 * DEQUANTIZE of int16 to float32, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/affine.h"

void tinykd_dequantize_s16(const struct tinykd_affine *p, const int16_t *input, float *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = scale * (float)input[i];
    }
}
