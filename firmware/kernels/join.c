/* SPDX-License-Identifier: Apache-2.0
 * CONCATENATION and PACK, portable C99: the specification that every faster kernel must equal. */
#include <stdarg.h>
#include <string.h>

#include "tinykd/parts.h"

void tinykd_join(const struct tinykd_parts *p, ...)
{
    va_list arguments;
    uint8_t *output;

    va_start(arguments, p);
    for (int32_t k = 0; k < p->count; ++k) {
        (void)va_arg(arguments, const void *);
    }
    output = (uint8_t *)va_arg(arguments, void *);
    va_end(arguments);

    va_start(arguments, p);
    for (int32_t k = 0; k < p->count; ++k) {
        const uint8_t *input = (const uint8_t *)va_arg(arguments, const void *);

        for (int32_t row = 0; row < p->rows; ++row) {
            memcpy(output + row * p->row_bytes, input + row * p->parts[k], (uint32_t)p->parts[k]);
        }
        output += p->parts[k];
    }
    va_end(arguments);
}
