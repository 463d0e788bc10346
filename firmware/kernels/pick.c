/* SPDX-License-Identifier: Apache-2.0
 * GATHER, RESIZE_NEAREST_NEIGHBOR and MIRROR_PAD, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/pick.h"

void tinykd_pick(const struct tinykd_pick *p, const void *input, void *output)
{
    const int32_t row_bytes = p->in_width * p->inner;
    const uint8_t *in = (const uint8_t *)input;
    uint8_t *out = (uint8_t *)output;

    for (int32_t o = 0; o < p->outer; ++o, in += p->in_height * row_bytes) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const uint8_t *row = in + p->rows[y] * row_bytes;

            for (int32_t x = 0; x < p->out_width; ++x, out += p->inner) {
                memcpy(out, row + p->columns[x] * p->inner, (uint32_t)p->inner);
            }
        }
    }
}
