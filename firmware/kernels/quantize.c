/* SPDX-License-Identifier: Apache-2.0
 * QUANTIZE from float32, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/affine.h"
#include "tinykd/requantize.h"

/* round(x), ties away from zero, saturated to +-512. */
static int32_t round_to_nearest(float x)
{
    if (!(x > -512.0f)) {
        return -512;
    }
    if (x > 512.0f) {
        return 512;
    }
    const int32_t whole = (int32_t)x;
    return whole + (int32_t)(2.0f * (x - (float)whole)); /* twice the rest, which is exact, is 1 or -1 from a half on */
}

void tinykd_quantize_s8(const struct tinykd_affine *p, const float *input, int8_t *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int8_t)tinykd_clamp(round_to_nearest(input[i] / scale) + p->zero_point, INT8_MIN, INT8_MAX);
    }
}

void tinykd_quantize_u8(const struct tinykd_affine *p, const float *input, uint8_t *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (uint8_t)tinykd_clamp(round_to_nearest(input[i] / scale) + p->zero_point, 0, UINT8_MAX);
    }
}
