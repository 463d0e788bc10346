/* SPDX-License-Identifier: Apache-2.0
 * Transposed convolution. Activations are [batch, height, width, channels] int8, or int16 in the kernels named _s16. */
#ifndef TINYKD_TRANSPOSE_CONVOLUTION_H
#define TINYKD_TRANSPOSE_CONVOLUTION_H

#include <stdint.h>

/* Input pixel (y, x) meets output pixel (y * stride_height - pad_top + i, x * stride_width - pad_left + j) under tap (i, j).
 * out = clamp(requantize(sum((in - input_zero_point) * weight) + bias) + output_zero_point) */
struct tinykd_transpose_conv {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [out_channels, kernel_height, kernel_width, in_channels] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_transpose_conv_s8(const struct tinykd_transpose_conv *p, const int8_t *input, int8_t *output);

/* The same for int16 with sums that stay within 32 bits. */
void tinykd_transpose_conv_s16_narrow(const struct tinykd_transpose_conv *p, const int16_t *input, int16_t *output);

/* int16 with sums of 64 bits, requantized by 16-bit multipliers; zero points are 0. */
struct tinykd_transpose_conv_s16 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [out_channels, kernel_height, kernel_width, in_channels] */
    const int64_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_transpose_conv_s16(const struct tinykd_transpose_conv_s16 *p, const int16_t *input, int16_t *output);

/* int8 with uint8 weights that have a zero point. */
struct tinykd_transpose_conv_u8 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    int32_t weights_zero_point;
    const uint8_t *weights;     /* [out_channels, kernel_height, kernel_width, in_channels] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_transpose_conv_u8(const struct tinykd_transpose_conv_u8 *p, const int8_t *input, int8_t *output);

#endif
