/* SPDX-License-Identifier: Apache-2.0
 * PADV2 of int16 with any border, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/pad.h"

/* Elements [first, first + size) of a loop are the input's, the others border. */
static int32_t inside_16(int32_t index, int32_t first, int32_t size)
{
    return index >= first && index < first + size;
}

static uint16_t *fill_16(uint16_t *output, int32_t value, int32_t elements)
{
    for (int32_t i = 0; i < elements; ++i) {
        *output++ = (uint16_t)value;
    }
    return output;
}

void tinykd_pad_16(const struct tinykd_pad *p, const void *input, void *output)
{
    const int32_t row = p->before_3 + p->size_3 + p->after_3;
    const uint16_t *in = (const uint16_t *)input;
    uint16_t *out = (uint16_t *)output;

    for (int32_t i = 0; i < p->before_0 + p->size_0 + p->after_0; ++i) {
        for (int32_t j = 0; j < p->before_1 + p->size_1 + p->after_1; ++j) {
            for (int32_t k = 0; k < p->before_2 + p->size_2 + p->after_2; ++k) {
                if (inside_16(i, p->before_0, p->size_0) && inside_16(j, p->before_1, p->size_1) &&
                    inside_16(k, p->before_2, p->size_2)) {
                    out = fill_16(out, p->value, p->before_3);
                    memcpy(out, in, (uint32_t)p->size_3 * sizeof *in);
                    out = fill_16(out + p->size_3, p->value, p->after_3);
                    in += p->size_3;
                } else {
                    out = fill_16(out, p->value, row);
                }
            }
        }
    }
}
