/* SPDX-License-Identifier: Apache-2.0
 * Border of one byte's value around a tensor. */
#ifndef TINYKD_PAD_H
#define TINYKD_PAD_H

#include <stdint.h>

/* Four nested loops, 0 outermost: `before` elements of border, `size` of the input, `after` of border.
 * The innermost loop counts bytes. */
struct tinykd_pad {
    int32_t before_0, before_1, before_2, before_3;
    int32_t size_0, size_1, size_2, size_3;
    int32_t after_0, after_1, after_2, after_3;
    int32_t value; /* 0 to 255 */
};

void tinykd_pad_8(const struct tinykd_pad *p, const void *input, void *output);

#endif
