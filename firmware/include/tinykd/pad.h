/* SPDX-License-Identifier: Apache-2.0
 * Border of one value around a tensor. */
#ifndef TINYKD_PAD_H
#define TINYKD_PAD_H

#include <stdint.h>

/* Four nested loops, 0 outermost: `before` elements of border, `size` of the input, `after` of border.
 * The innermost loop counts bytes, or in tinykd_pad_16 int16 elements. */
struct tinykd_pad {
    int32_t before_0, before_1, before_2, before_3;
    int32_t size_0, size_1, size_2, size_3;
    int32_t after_0, after_1, after_2, after_3;
    int32_t value; /* of a byte or two, without its sign */
};

void tinykd_pad_8(const struct tinykd_pad *p, const void *input, void *output);
void tinykd_pad_16(const struct tinykd_pad *p, const void *input, void *output);

#endif
