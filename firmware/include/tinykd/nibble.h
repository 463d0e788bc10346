/* SPDX-License-Identifier: Apache-2.0
 * 4-bit integers, two a byte, the low nibble first. */
#ifndef TINYKD_NIBBLE_H
#define TINYKD_NIBBLE_H

#include <stdint.h>

/* Nibble number `index`, -8 to 7. */
static inline int32_t tinykd_nibble(const uint8_t *packed, int32_t index)
{
    const uint32_t byte = packed[index / 2];
    const uint32_t nibble = index % 2 != 0 ? byte >> 4 : byte & 15u;
    return (int32_t)(nibble ^ 8u) - 8;
}

#endif
