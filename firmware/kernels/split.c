/* SPDX-License-Identifier: Apache-2.0
 * SPLIT, SPLIT_V and UNPACK, portable C99: the specification that every faster kernel must equal. */
#include <stdarg.h>
#include <string.h>

#include "tinykd/parts.h"

void tinykd_split(const struct tinykd_parts *p, const void *input, ...)
{
    const uint8_t *in = (const uint8_t *)input;
    va_list arguments;

    va_start(arguments, input);
    for (int32_t k = 0; k < p->count; ++k) {
        uint8_t *output = (uint8_t *)va_arg(arguments, void *);

        for (int32_t row = 0; row < p->rows; ++row) {
            memcpy(output + row * p->parts[k], in + row * p->row_bytes, (uint32_t)p->parts[k]);
        }
        in += p->parts[k];
    }
    va_end(arguments);
}
