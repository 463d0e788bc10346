/* SPDX-License-Identifier: Apache-2.0
 * QUANTIZE from float32 to int8 for cores with Helium, which has no division of vectors: the quotient is a product with 1 / scale,
 * corrected once by what it leaves over. The compiler proves it around each of the 255 inputs where the output steps. */
#include <string.h>

#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

#define BEYOND 512.0f /* farther than any output lies from its zero point; the negative of it is what NaN becomes */

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
/* round(x / scale), ties away from zero, of four elements. Numbers beyond 32 bits saturate. */
TINYKD_INLINE tinykd_words quantize_mve_four(const float *from, float scale, float inverse)
{
    const float32x4_t x = vldrwq_f32(from), least = vdupq_n_f32(-BEYOND);
    const float32x4_t near = vminnmq_f32(vmaxnmq_f32(vmulq_n_f32(x, inverse), least), vdupq_n_f32(BEYOND));
    const float32x4_t left = vfmaq_n_f32(x, near, -scale);

    return vcvtaq_s32_f32(vmaxnmq_f32(vfmaq_n_f32(near, left, inverse), least));
}
#else
static inline int32_t quantize_mve_round(float x)
{
    if (!(x > -BEYOND)) {
        return (int32_t)-BEYOND;
    }
    if (x > BEYOND) {
        return (int32_t)BEYOND;
    }
    const int32_t whole = (int32_t)x;
    return whole + (int32_t)(2.0f * (x - (float)whole));
}

static inline tinykd_words quantize_mve_four(const float *from, float scale, float inverse)
{
    int32_t v[4];

    (void)inverse;
    for (int32_t i = 0; i < 4; ++i) {
        v[i] = quantize_mve_round(from[i] / scale);
    }
    return tinykd_load_words(v);
}
#endif

void tinykd_quantize_mve_s8(const struct tinykd_quantize_mve *p, const float *input, int8_t *output)
{
    const int32_t zero_point = p->zero_point;
    float scale, inverse;
    memcpy(&scale, &p->scale_bits, sizeof scale);
    memcpy(&inverse, &p->inverse_bits, sizeof inverse);

    for (int32_t i = p->elements >> 3; i > 0; --i, input += 8, output += 8) {
        const tinykd_words low = quantize_mve_four(input, scale, inverse), high = quantize_mve_four(input + 4, scale, inverse);
        tinykd_store_narrowed(output, output + 4, tinykd_narrow_words(low, high, zero_point));
    }
    if ((p->elements & 7) != 0) {
        float rest[8] = {0};
        const int32_t left = p->elements & 7, first = left < 4 ? left : 4;

        memcpy(rest, input, (uint32_t)left * sizeof(float));
        const tinykd_words low = quantize_mve_four(rest, scale, inverse), high = quantize_mve_four(rest + 4, scale, inverse);
        tinykd_store_some_narrowed(output, output, tinykd_narrow_words(low, low, zero_point), first);
        if (left > 4) {
            tinykd_store_some_narrowed(output + 4, output + 4, tinykd_narrow_words(high, high, zero_point), left - 4);
        }
    }
}
