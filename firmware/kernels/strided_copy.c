/* SPDX-License-Identifier: Apache-2.0
 * TRANSPOSE, STRIDED_SLICE, SLICE, REVERSE_V2, SPACE_TO_DEPTH and other operators that only move elements. */
#include <string.h>

#include "tinykd/strided_copy.h"

/* The three inner loops; returns the end of what was written. */
static uint8_t *copy_block(const struct tinykd_strided_copy *p, const uint8_t *input, uint8_t *output)
{
    for (int32_t i = 0; i < p->size_3; ++i) {
        for (int32_t j = 0; j < p->size_4; ++j, output += p->size_5) {
            const uint8_t *in = input + i * p->step_3 + j * p->step_4;

            if (p->step_5 == 1) {
                memcpy(output, in, (uint32_t)p->size_5);
            } else {
                for (int32_t k = 0; k < p->size_5; ++k) {
                    output[k] = in[k * p->step_5];
                }
            }
        }
    }
    return output;
}

void tinykd_strided_copy(const struct tinykd_strided_copy *p, const void *input, void *output)
{
    const uint8_t *in = (const uint8_t *)input + p->offset;
    uint8_t *out = (uint8_t *)output;

    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k) {
                out = copy_block(p, in + i * p->step_0 + j * p->step_1 + k * p->step_2, out);
            }
        }
    }
}
