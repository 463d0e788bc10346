/* SPDX-License-Identifier: Apache-2.0
 * Pooling over windows of [batch, height, width, channels] int8 or int16. Elements outside the input take no part. */
#ifndef TINYKD_POOLING_H
#define TINYKD_POOLING_H

#include <stdint.h>

struct tinykd_pool_2d {
    int32_t batch;
    int32_t in_height, in_width, channels;
    int32_t out_height, out_width;
    int32_t window_height, window_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t clamp_low, clamp_high;
};

/* out = clamp(mean of the window, rounded to nearest, ties away from zero) */
void tinykd_average_pool_2d_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);
void tinykd_average_pool_2d_s16(const struct tinykd_pool_2d *p, const int16_t *input, int16_t *output);

/* The same with ties up. */
void tinykd_average_pool_2d_up_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);

/* out = clamp(maximum of the window) */
void tinykd_max_pool_2d_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);
void tinykd_max_pool_2d_s16(const struct tinykd_pool_2d *p, const int16_t *input, int16_t *output);

/* The same with DSP instructions: one image, channels a multiple of 4, means of up to 255 elements. */
void tinykd_average_pool_2d_dsp_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);
void tinykd_max_pool_2d_dsp_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);

/* The same for cores with Helium: batch 1; windows of at most 255 taps for the average. */
void tinykd_average_pool_2d_mve_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);
void tinykd_max_pool_2d_mve_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output);

#endif
