/* SPDX-License-Identifier: Apache-2.0
 * What fused activations leave of outputs, where kernels saturate to bytes and to nothing narrower. */
#ifndef TINYKD_CLAMP_H
#define TINYKD_CLAMP_H

#include <stdint.h>

/* Clamps of activations that the saturation is not: once over all outputs, rather than in each. */
static inline void tinykd_clamp_bytes(int8_t *bytes, int32_t count, int32_t low, int32_t high)
{
    if (low == INT8_MIN && high == INT8_MAX) {
        return;
    }
    for (int32_t i = 0; i < count; ++i) {
        const int32_t byte = bytes[i];
        bytes[i] = (int8_t)(byte < low ? low : byte > high ? high : byte);
    }
}

#endif
