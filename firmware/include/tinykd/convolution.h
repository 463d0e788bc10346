/* SPDX-License-Identifier: Apache-2.0
 * Convolutions. Activations are [batch, height, width, channels] int8, or int16 in the kernels named _s16. */
#ifndef TINYKD_CONVOLUTION_H
#define TINYKD_CONVOLUTION_H

#include <stdint.h>

/* out = clamp(requantize(sum((in - input_zero_point) * weight) + bias) + output_zero_point) */
struct tinykd_conv_2d {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width, groups;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [out_channels, kernel_height, kernel_width, in_channels / groups] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_conv_2d_s8(const struct tinykd_conv_2d *p, const int8_t *input, int8_t *output);

/* One image, groups 1, in parameters of 16 bits, for faster kernels; how these order weights and sums is said with each. */
struct tinykd_conv_2d_short {
    int16_t in_height, in_width, in_channels;
    int16_t out_height, out_width, out_channels;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t dilation_height, dilation_width;
    int16_t pad_top, pad_left;
    int16_t input_zero_point, z; /* z = 2 * output_zero_point + 1 */
    int16_t clamp_low, clamp_high;
    const int8_t *weights;
    const int32_t *finish; /* what turns sums into bytes */
};

/* With DSP instructions. Weights [pairs of out_channels, steps of 4 taps, 8], taps being [kernel_height, kernel_width, in_channels], as
 * tinykd/dot.h has them; `finish` [pairs of out_channels, 5]: starts of `a` and `b`, two multipliers, two bytes of `s1` of tinykd/finish.h.
 * Scratch: 16 bytes a step of 4 taps, or 20 if in_channels is not a multiple of 4. */
void tinykd_conv_2d_dsp_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output, uint32_t *scratch);

/* The same for int16 with sums that stay within 32 bits. */
void tinykd_conv_2d_s16_narrow(const struct tinykd_conv_2d *p, const int16_t *input, int16_t *output);

/* The same for cores without SIMD. The first takes layers whose windows all lie inside the image, the second gathers others in `scratch`,
 * twice a filter's bytes. Weights [out_channels / 4, values, 4], padded with zeros to a multiple of 4 filters; sums as tinykd/blocked.h
 * has them, biases less the input's zero point, multipliers and shifts for finish.h. */
void tinykd_conv_2d_blocked_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output);
void tinykd_conv_2d_gather_blocked_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output, int8_t *scratch);

/* int16 with sums of 64 bits, requantized by 16-bit multipliers; zero points are 0. */
struct tinykd_conv_2d_s16 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width, groups;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [out_channels, kernel_height, kernel_width, in_channels / groups] */
    const int64_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_conv_2d_s16(const struct tinykd_conv_2d_s16 *p, const int16_t *input, int16_t *output);

/* int8 with int4 weights, two a byte, the low nibble first. */
struct tinykd_conv_2d_s4 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width, groups;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const uint8_t *weights;     /* nibbles [out_channels, kernel_height, kernel_width, in_channels / groups] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_conv_2d_s4(const struct tinykd_conv_2d_s4 *p, const int8_t *input, int8_t *output);

/* int8 with uint8 weights that have a zero point. */
struct tinykd_conv_2d_u8 {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width, groups;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    int32_t weights_zero_point;
    const uint8_t *weights;     /* [out_channels, kernel_height, kernel_width, in_channels / groups] */
    const int32_t *bias;        /* [out_channels] */
    const int32_t *multipliers; /* [out_channels] */
    const int8_t *shifts;       /* [out_channels] */
};

void tinykd_conv_2d_u8(const struct tinykd_conv_2d_u8 *p, const int8_t *input, int8_t *output);

#endif
