/* SPDX-License-Identifier: Apache-2.0
 * Bilinear resizing of [batch, height, width, channels] int8. */
#ifndef TINYKD_RESIZE_H
#define TINYKD_RESIZE_H

#include <stdint.h>

/* Each output pixel lies between input rows tops[y] and bottoms[y] and columns lefts[x] and rights[x], at fractions in
 * 1/1024 of the way from the first to the second; before the first pixel fractions are negative. */
struct tinykd_resize_bilinear {
    int32_t batch;
    int32_t in_height, in_width, channels;
    int32_t out_height, out_width;
    const int16_t *tops, *bottoms, *row_fractions;   /* [out_height] */
    const int16_t *lefts, *rights, *column_fractions; /* [out_width] */
};

void tinykd_resize_bilinear_s8(const struct tinykd_resize_bilinear *p, const int8_t *input, int8_t *output);

#endif
