/* SPDX-License-Identifier: Apache-2.0
 * Matrix product of int8 rows, or of int16 rows in the kernels named _s16, with constant weights. */
#ifndef TINYKD_FULLY_CONNECTED_H
#define TINYKD_FULLY_CONNECTED_H

#include <stdint.h>

/* out = clamp(requantize(sum((in - input_zero_point) * weight) + bias) + output_zero_point) */
struct tinykd_fully_connected {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [channels, depth] */
    const int32_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
};

/* Input [rows, depth], output [rows, channels]. */
void tinykd_fully_connected_single_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);

/* The same with DSP instructions. Weights and sums as tinykd/dot.h and tinykd/finish.h have them. */
struct tinykd_fully_connected_dsp {
    int32_t rows, depth, channels;
    int32_t run; /* steps of 4 inputs after which the sums of a pair are taken apart, lest they leave 32 bits */
    int32_t z;   /* 2 * output_zero_point + 1 */
    int32_t clamp_low, clamp_high;
    const int8_t *weights; /* [fours of channels, steps of 4 inputs, two pairs, 8] */
    const int32_t *finish; /* [fours of channels, 13 or 9]: starts, multipliers, offsets (single only), four bytes of `s1` */
};

void tinykd_fully_connected_single_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output);

/* The same for cores without SIMD: weights as [channels / 4, depth, 4], biases less the input's zero point, both padded with zeros
 * to a multiple of 4 channels. */
void tinykd_fully_connected_single_blocked_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_blocked_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output);

/* The same for int16 with sums that stay within 32 bits. */
void tinykd_fully_connected_double_s16_narrow(const struct tinykd_fully_connected *p, const int16_t *input,
                                              int16_t *output);

/* int8 with int4 weights, two a byte, the low nibble first. */
struct tinykd_fully_connected_s4 {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const uint8_t *weights;     /* nibbles [channels, depth] */
    const int32_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
};

void tinykd_fully_connected_single_s4(const struct tinykd_fully_connected_s4 *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_s4(const struct tinykd_fully_connected_s4 *p, const int8_t *input, int8_t *output);

/* int8 with uint8 weights that have a zero point. */
struct tinykd_fully_connected_u8 {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    int32_t weights_zero_point;
    const uint8_t *weights;     /* [channels, depth] */
    const int32_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
};

void tinykd_fully_connected_single_u8(const struct tinykd_fully_connected_u8 *p, const int8_t *input, int8_t *output);
void tinykd_fully_connected_double_u8(const struct tinykd_fully_connected_u8 *p, const int8_t *input, int8_t *output);

/* int16 with sums of 64 bits, requantized by 16-bit multipliers; zero points are 0. */
struct tinykd_fully_connected_s16 {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [channels, depth] */
    const int64_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
};

void tinykd_fully_connected_double_s16(const struct tinykd_fully_connected_s16 *p, const int16_t *input, int16_t *output);

/* The same with multipliers in two parts: (multiplier + low_multiplier / 2^low_bits) / 2^shift. */
struct tinykd_fully_connected_single_s16 {
    int32_t rows, depth, channels;
    int32_t input_zero_point, output_zero_point;
    int32_t clamp_low, clamp_high;
    const int8_t *weights;      /* [channels, depth] */
    const int64_t *bias;        /* [channels] */
    const int32_t *multipliers; /* [channels] */
    const int8_t *shifts;       /* [channels] */
    const int32_t *low_multipliers; /* [channels] */
    int32_t low_bits;
};

void tinykd_fully_connected_single_s16(const struct tinykd_fully_connected_single_s16 *p, const int16_t *input,
                                       int16_t *output);

#endif
