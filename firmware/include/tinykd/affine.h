/* SPDX-License-Identifier: Apache-2.0
 * Between float32 and int8, uint8 or int16 (zero point 0), at a model's borders: real = scale * (q - zero_point).
 * These are the only kernels that use floating point; on cores without an FPU the compiler's library does the work. */
#ifndef TINYKD_AFFINE_H
#define TINYKD_AFFINE_H

#include <stdint.h>

struct tinykd_affine {
    int32_t elements;
    int32_t zero_point;
    int32_t scale_bits; /* the scale's IEEE 754 binary32 representation */
};

/* q = saturate(round(x / scale) + zero_point), ties away from zero; not-a-number gives the lowest integer. */
void tinykd_quantize_s8(const struct tinykd_affine *p, const float *input, int8_t *output);
void tinykd_quantize_u8(const struct tinykd_affine *p, const float *input, uint8_t *output);
void tinykd_quantize_s16(const struct tinykd_affine *p, const float *input, int16_t *output);

/* The same in integers. Elements of `steps` are bits of float32, of negative ones complemented but for the sign. */
struct tinykd_quantize_steps {
    int32_t elements;
    const int32_t *steps; /* [255] the least input of each output but the lowest, rising */
};

void tinykd_quantize_steps_s8(const struct tinykd_quantize_steps *p, const float *input, int8_t *output);
void tinykd_quantize_steps_u8(const struct tinykd_quantize_steps *p, const float *input, uint8_t *output);

void tinykd_dequantize_s8(const struct tinykd_affine *p, const int8_t *input, float *output);
void tinykd_dequantize_u8(const struct tinykd_affine *p, const uint8_t *input, float *output);
/* The same in integers: scale_bits between those of 2^-126 and 2^118. */
void tinykd_dequantize_software_s8(const struct tinykd_affine *p, const int8_t *input, float *output);
void tinykd_dequantize_software_u8(const struct tinykd_affine *p, const uint8_t *input, float *output);

void tinykd_dequantize_s16(const struct tinykd_affine *p, const int16_t *input, float *output);

#endif
