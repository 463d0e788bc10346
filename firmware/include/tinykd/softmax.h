/* SPDX-License-Identifier: Apache-2.0
 * Softmax of rows of int8; the output has scale 1/256 and zero point -128. */
#ifndef TINYKD_SOFTMAX_H
#define TINYKD_SOFTMAX_H

#include <stdint.h>

struct tinykd_softmax {
    int32_t rows, depth;
    int32_t entries;
    const int32_t *exponentials; /* [entries] exp of k quanta below the row's largest value, Q0.31; 0 beyond */
};

/* Input and output [rows, depth]; at most 4095 values a row. */
void tinykd_softmax_s8(const struct tinykd_softmax *p, const int8_t *input, int8_t *output);

#endif
