/* SPDX-License-Identifier: Apache-2.0
 * Layers of int8 for cores with Helium (MVE). Activations are [height, width, channels] of one image.
 * `scaling` is [channels / 4, 3, 4]: of four channels the biases less the input's zero point, the multipliers, the shifts (-31 to -1).
 * Tables have zeros where channels or bytes are missing. */
#ifndef TINYKD_MVE_LAYERS_H
#define TINYKD_MVE_LAYERS_H

#include <stdint.h>

/* tinykd_conv_2d with groups 1, batch 1, dilation 1, out_channels a multiple of 4. */
struct tinykd_conv_2d_mve {
    int16_t in_height, in_width, in_channels;
    int16_t out_height, out_width, out_channels;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t pad_top, pad_left;
    int16_t input_zero_point, output_zero_point;
    int16_t clamp_low, clamp_high;
    int16_t chunks, last;  /* a window by 16 bytes: how often, and how many bytes the last has */
    const uint8_t *spread; /* [16]: where bytes of pixels that follow each other go, if in_channels < 16 */
    const int8_t *weights; /* [out_channels / 4, 2, chunks, 2, 16]: filters 0 and 2, then 1 and 3; [kernel_width, kernel_height, in_channels] */
    const int32_t *scaling;
};

/* Kernels of one tap, without padding: 1 to 4 chunks, or more (n); where at least 4, all whole.
 * Those named positive want clamp_low to be at least the output's zero point; those named small take any number of whole chunks. */
#define TINYKD_CONV_2D_MVE(name) void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output)
TINYKD_CONV_2D_MVE(tinykd_conv_2d_1_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_2_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_3_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_4_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_n_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_small_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_1_positive_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_2_positive_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_3_positive_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_4_positive_mve_s8);
TINYKD_CONV_2D_MVE(tinykd_conv_2d_n_positive_mve_s8);

/* Any kernel: `scratch` is (kernel_height * columns + rows of the padded input) * in_channels and 16 * chunks bytes. */
#define TINYKD_CONV_2D_LINES_MVE(name)                                                                                \
    void name(const struct tinykd_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_1_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_2_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_3_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_4_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_n_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_small_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_1_positive_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_2_positive_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_3_positive_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_4_positive_mve_s8);
TINYKD_CONV_2D_LINES_MVE(tinykd_conv_2d_lines_n_positive_mve_s8);

/* tinykd_depthwise_conv_2d with batch 1, multiplier 1, dilation 1, channels a multiple of 4. */
struct tinykd_depthwise_conv_2d_mve {
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t pad_top, pad_left;
    int16_t input_zero_point, output_zero_point;
    int16_t clamp_low, clamp_high;
    int16_t chunks, line;  /* a window by 16 bytes; bytes of a channel in `scratch` */
    const int8_t *weights; /* [channels, chunks, 16]: columns of [kernel_width, kernel_height] end to end */
    const int32_t *scaling;
};

/* `scratch` is channels * line bytes and 16 * chunks more. One chunk and kernel_height * stride_width 3 or 6; 2, 4, or any number (n)
 * of chunks. Those named positive want clamp_low to be at least the output's zero point. */
#define TINYKD_DEPTHWISE_MVE(name)                                                                                     \
    void name(const struct tinykd_depthwise_conv_2d_mve *p, const int8_t *input, int8_t *output, int8_t *scratch)
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_3_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_6_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_2_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_4_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_n_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_3_positive_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_step_6_positive_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_2_positive_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_4_positive_mve_s8);
TINYKD_DEPTHWISE_MVE(tinykd_depthwise_conv_2d_n_positive_mve_s8);

/* out = clamp((a * a_factor + b * b_factor + offset) >> shift) */
struct tinykd_weighted_sum_mve {
    int32_t elements;
    int32_t a_factor, b_factor, offset, shift;
    int32_t clamp_low, clamp_high;
};

void tinykd_weighted_sum_mve_s8(const struct tinykd_weighted_sum_mve *p, const int8_t *a, const int8_t *b, int8_t *output);

/* tinykd_affine and 1 / scale. */
struct tinykd_quantize_mve {
    int32_t elements;
    int32_t zero_point;
    int32_t scale_bits, inverse_bits; /* IEEE 754 binary32 representations */
};

void tinykd_quantize_mve_s8(const struct tinykd_quantize_mve *p, const float *input, int8_t *output);

/* tinykd_fully_connected. */
struct tinykd_fully_connected_mve {
    int32_t rows, depth, channels;
    int32_t output_zero_point, clamp_low, clamp_high;
    const int8_t *weights; /* [channels / 4, depth / 16, 4, 16] */
    const int32_t *scaling;
};

/* Depth at least 16; below 16 (short); a multiple of 64 (blocks). */
#define TINYKD_FULLY_CONNECTED_MVE(name) void name(const struct tinykd_fully_connected_mve *p, const int8_t *input, int8_t *output)
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_single_mve_s8);
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_single_short_mve_s8);
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_single_blocks_mve_s8);
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_double_mve_s8);
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_double_short_mve_s8);
TINYKD_FULLY_CONNECTED_MVE(tinykd_fully_connected_double_blocks_mve_s8);

#endif
