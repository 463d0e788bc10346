/* SPDX-License-Identifier: Apache-2.0
 * Any function of one byte (int8 or uint8) as a table of its 256 results. */
#ifndef TINYKD_LOOKUP_H
#define TINYKD_LOOKUP_H

#include <stdint.h>

struct tinykd_lookup {
    int32_t elements;
    const uint8_t *table; /* [256], indexed by the input byte read as unsigned */
};

void tinykd_lookup_8(const struct tinykd_lookup *p, const void *input, void *output);

#endif
