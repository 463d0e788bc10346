/* SPDX-License-Identifier: Apache-2.0
 * Logarithm of the softmax of rows of int8; the output has scale 1/16 and zero point 127. */
#ifndef TINYKD_LOG_SOFTMAX_H
#define TINYKD_LOG_SOFTMAX_H

#include <stdint.h>

struct tinykd_log_softmax {
    int32_t rows, depth;
    int32_t multiplier, shift;                 /* quanta to Q5.26 */
    int32_t reverse_multiplier, reverse_shift; /* Q5.26 to quanta */
    int32_t floor;                             /* differences from the largest value down to here give -128 */
    int32_t entries;
    const int32_t *exponentials; /* [entries] exp of k quanta below the row's largest value, Q0.31; 0 beyond */
};

/* Input and output [rows, depth]; at most 4095 values a row. */
void tinykd_log_softmax_s8(const struct tinykd_log_softmax *p, const int8_t *input, int8_t *output);

#endif
