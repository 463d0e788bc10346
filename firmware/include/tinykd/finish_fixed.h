/* SPDX-License-Identifier: Apache-2.0
 * How kernels with 16-bit weights turn sums into outputs. tinykd/compile/specialise/fixed_shift.py makes their numbers.
 *
 * Weights and biases are multiplied by a power of two for each channel, such that the last shift is 10 for all of them: then it
 * comes free with the saturation. With E = 10 - s more fractional bits than in finish.h (whose x and z are meant here) the
 * rounding of x is a number like any other, and all of tinykd_requantize is one floor:
 *
 *     (2^(E + 1) * sum * m + (offset << 32)) >> 42,  offset = z * 2^9 + 2^(E - 1), less 2^E where sum < 0 */
#ifndef TINYKD_FINISH_FIXED_H
#define TINYKD_FINISH_FIXED_H

#include <stdint.h>

#include "tinykd/dsp.h"

/* Within -128 to 127, where every negative sum comes out at the lower limit. */
static inline int32_t tinykd_finish_fixed_relu_s8(int32_t sum, int32_t multiplier, int32_t offset)
{
    return tinykd_ssat8_of_1024th(tinykd_smmla(sum, multiplier, offset));
}

/* Within -128 to 127; `away` is 2^E. */
static inline int32_t tinykd_finish_fixed_s8(int32_t sum, int32_t multiplier, int32_t offset, int32_t away)
{
    return tinykd_ssat8_of_1024th(tinykd_smmla(sum, multiplier, offset) - (away & (sum >> 31)));
}

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
