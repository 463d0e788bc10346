/* SPDX-License-Identifier: Apache-2.0
 * QUANTIZE from float32 to int16, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/affine.h"
#include "tinykd/requantize.h"

/* round(x), ties away from zero, saturated to +-2^17. */
static int32_t round_to_nearest_s16(float x)
{
    if (!(x > -131072.0f)) {
        return -131072;
    }
    if (x > 131072.0f) {
        return 131072;
    }
    const int32_t whole = (int32_t)x;
    const float rest = x - (float)whole;
    return whole + (rest >= 0.5f ? 1 : 0) - (rest <= -0.5f ? 1 : 0);
}

void tinykd_quantize_s16(const struct tinykd_affine *p, const float *input, int16_t *output)
{
    float scale;
    memcpy(&scale, &p->scale_bits, sizeof scale);

    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (int16_t)tinykd_clamp(round_to_nearest_s16(input[i] / scale), INT16_MIN, INT16_MAX);
    }
}
