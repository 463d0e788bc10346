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

/* int16 in, Q0.15 out. */
struct tinykd_softmax_s16 {
    int32_t rows, depth;
    int32_t multiplier, shift;   /* quanta to steps of 10 / 65535 */
    const int16_t *exponentials; /* [513] exp from -10 to 0, Q0.15 */
    const int16_t *reciprocals;  /* [513] 1 / (1 + x) from 0 to 1, Q0.15 */
};

void tinykd_softmax_s16(const struct tinykd_softmax_s16 *p, const int16_t *input, int16_t *output);

#endif
