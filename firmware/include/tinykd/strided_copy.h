/* SPDX-License-Identifier: Apache-2.0
 * Copy with strides, in bytes: transposes, slices, reversals, repetitions. */
#ifndef TINYKD_STRIDED_COPY_H
#define TINYKD_STRIDED_COPY_H

#include <stdint.h>

/* Six nested loops, 0 outermost, write the output in order. A step is how many bytes a loop's turn moves in the input. */
struct tinykd_strided_copy {
    int32_t offset; /* first byte in the input */
    int32_t size_0, size_1, size_2, size_3, size_4, size_5;
    int32_t step_0, step_1, step_2, step_3, step_4, step_5;
};

void tinykd_strided_copy(const struct tinykd_strided_copy *p, const void *input, void *output);

#endif
