/* SPDX-License-Identifier: Apache-2.0
 * Function of one byte by table: QUANTIZE between bytes, RELU, LOGISTIC, TANH and their kin. */
#include "tinykd/lookup.h"

void tinykd_lookup_8(const struct tinykd_lookup *p, const void *input, void *output)
{
    const uint8_t *in = (const uint8_t *)input;
    uint8_t *out = (uint8_t *)output;

    for (int32_t i = 0; i < p->elements; ++i) {
        out[i] = p->table[in[i]];
    }
}
