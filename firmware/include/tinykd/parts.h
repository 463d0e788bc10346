/* SPDX-License-Identifier: Apache-2.0
 * Tensors put side by side along an axis, or taken apart, in bytes. */
#ifndef TINYKD_PARTS_H
#define TINYKD_PARTS_H

#include <stdint.h>

/* A whole of [rows, row_bytes] consists of `count` parts, each [rows, parts[k]]. */
struct tinykd_parts {
    int32_t rows, count;
    int32_t row_bytes;
    const int32_t *parts; /* [count] */
};

/* tinykd_join(p, const void *input, ... `count` times, void *output) */
void tinykd_join(const struct tinykd_parts *p, ...);

/* tinykd_split(p, input, void *output, ... `count` times) */
void tinykd_split(const struct tinykd_parts *p, const void *input, ...);

#endif
