/* SPDX-License-Identifier: Apache-2.0
 * DEQUANTIZE without floating point, for cores whose compiler would link a library for one product: a mantissa of 24 bits times 8 bits
 * is 32, rounded to the nearest, ties to even, as IEEE 754 does. */
#include <string.h>

#include "tinykd/affine.h"

/* scale * n of a normal scale with exponents to spare, -255 <= n <= 255. */
static float dequantize_product(uint32_t scale_bits, int32_t n)
{
    const uint32_t product = ((scale_bits & 0x7FFFFFu) | 0x800000u) * (uint32_t)(n < 0 ? -n : n);
    uint32_t shift = 0, bits = 0;
    float result;

    while (shift < 8 && product >> (24 + shift) != 0) {
        ++shift;
    }
    if (product != 0) {
        /* a mantissa that is rounded up to 2^24 carries into the exponent, as it should */
        const uint32_t half = shift == 0 ? 0 : (1u << (shift - 1)) - 1 + (product >> shift & 1u);
        bits = (n < 0 ? 1u << 31 : 0) + (((scale_bits >> 23) + shift - 1) << 23) + ((product + half) >> shift);
    }
    memcpy(&result, &bits, sizeof result);
    return result;
}

void tinykd_dequantize_software_s8(const struct tinykd_affine *p, const int8_t *input, float *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = dequantize_product((uint32_t)p->scale_bits, input[i] - p->zero_point);
    }
}

void tinykd_dequantize_software_u8(const struct tinykd_affine *p, const uint8_t *input, float *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = dequantize_product((uint32_t)p->scale_bits, input[i] - p->zero_point);
    }
}
