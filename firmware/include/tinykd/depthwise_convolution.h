/* SPDX-License-Identifier: Apache-2.0
 * Depthwise convolution. Activations are [batch, height, width, channels] int8, or int16 in _s16. */
#ifndef TINYKD_DEPTHWISE_CONVOLUTION_H
#define TINYKD_DEPTHWISE_CONVOLUTION_H

#include <stdint.h>

/* Output channel c reads input channel c / multiplier only.
 * out = clamp(requantize(sum((in - input_zero_point) * weight) + bias) + output_zero_point) */
struct tinykd_depthwise_conv_2d {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, multiplier; /* out_channels = in_channels * multiplier */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [kernel_height, kernel_width, out_channels] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_depthwise_conv_2d_s8(const struct tinykd_depthwise_conv_2d *p, const int8_t *input, int8_t *output);

/* The same for cores without SIMD: multiplier 1, batch 1. `scratch` holds two windows. */
struct tinykd_depthwise_conv_2d_blocked {
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t dilation_height, dilation_width;
    int16_t pad_top, pad_left;
    int16_t input_zero_point, z; /* z = 2 * output_zero_point + 1 */
    int16_t clamp_low, clamp_high;
    const int8_t *weights; /* [channels, kernel_height, kernel_width] */
    const int32_t *finish; /* as tinykd/blocked.h has it, biases less the input's zero point, multipliers and shifts for finish.h */
};

void tinykd_depthwise_conv_2d_blocked_s8(const struct tinykd_depthwise_conv_2d_blocked *p, const int8_t *input, int8_t *output, int8_t *scratch);

/* 3x3 filters for cores with DSP instructions: one image of at least 2 rows, at most one row and column outside at each edge,
 * negative sums below the clamp (ReLU). A filter w[row][column] is 8 words, of halfwords the lower one first:
 *     w[0][0], w[1][0];  w[0][1], w[1][1];  w[0][2], w[1][2];  w[2][0], w[2][1];  w[2][2], channels;  bias;  multiplier;  offset
 * where the bias holds the zero point's share, and everything is scaled as finish_fixed.h says. */
#define TINYKD_DEPTHWISE_3X3_WORDS 8

struct tinykd_depthwise_3x3 {
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int16_t stride_height, stride_width; /* stride_width 1 or 2 */
    int16_t pad_top, pad_left;
    int16_t input_zero_point;
    int16_t clamp_low, clamp_high;
    const int32_t *filters; /* [channels, TINYKD_DEPTHWISE_3X3_WORDS] */
};

void tinykd_depthwise_3x3_dsp_s8(const struct tinykd_depthwise_3x3 *p, const int8_t *input, int8_t *output);

/* Any window for cores with DSP instructions: one image, channels a multiple of 4. Filters of 16-bit weights in words of two rows,
 * the upper one in the lower half, 0 below the last row; four channels together, scaled as finish_fixed.h says:
 *     bias[4];  multiplier, offset, shift, four times;  [kernel_width, (kernel_height + 1) / 2, 4] words
 * `scratch` holds [in_width, (kernel_height + 1) / 2, 4] words. */
struct tinykd_depthwise_pairs {
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int16_t stride_height, stride_width;
    int16_t pad_top, pad_left;
    int16_t input_zero_point;
    int16_t clamp_low, clamp_high;
    int16_t kernel_height, kernel_width;
    const int32_t *filters; /* [channels / 4, 16 + kernel_width * ((kernel_height + 1) / 2) * 4] */
};

void tinykd_depthwise_pairs_dsp_s8(const struct tinykd_depthwise_pairs *p, const int8_t *input, int8_t *output, int8_t *scratch);

/* int16 with sums of 64 bits, requantized by 16-bit multipliers; zero points are 0. */
struct tinykd_depthwise_conv_2d_s16 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, multiplier; /* out_channels = in_channels * multiplier */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [kernel_height, kernel_width, out_channels] */
    const int64_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_depthwise_conv_2d_s16(const struct tinykd_depthwise_conv_2d_s16 *p, const int16_t *input, int16_t *output);

/* int8 with int4 weights, two a byte, the low nibble first. */
struct tinykd_depthwise_conv_2d_s4 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, multiplier; /* out_channels = in_channels * multiplier */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const uint8_t *weights;     /* nibbles [kernel_height, kernel_width, out_channels] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_depthwise_conv_2d_s4(const struct tinykd_depthwise_conv_2d_s4 *p, const int8_t *input, int8_t *output);

/* int8 with uint8 weights that have a zero point. */
struct tinykd_depthwise_conv_2d_u8 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, multiplier; /* out_channels = in_channels * multiplier */
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    int32_t weights_zero_point;
    const uint8_t *weights;     /* [kernel_height, kernel_width, out_channels] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_depthwise_conv_2d_u8(const struct tinykd_depthwise_conv_2d_u8 *p, const int8_t *input, int8_t *output);

#endif
