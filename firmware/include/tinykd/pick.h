/* SPDX-License-Identifier: Apache-2.0
 * Rows and columns picked by constant indices: gathers, nearest-neighbour resizing, mirrored borders. */
#ifndef TINYKD_PICK_H
#define TINYKD_PICK_H

#include <stdint.h>

/* output[o][y][x] = input[o][rows[y]][columns[x]], each `inner` bytes */
struct tinykd_pick {
    int32_t outer;
    int32_t in_height, in_width, inner;
    int32_t out_height, out_width;
    const int16_t *rows;    /* [out_height] */
    const int16_t *columns; /* [out_width] */
};

void tinykd_pick(const struct tinykd_pick *p, const void *input, void *output);

#endif
