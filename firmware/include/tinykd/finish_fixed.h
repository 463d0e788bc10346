/* SPDX-License-Identifier: Apache-2.0
 * How kernels with 16-bit weights turn sums into outputs. tinykd/compile/specialise/fixed_shift.py makes their numbers.
 *
 * Weights and biases are multiplied by 2^(E + 1), E >= 1, for each channel. With E more fractional bits than in finish.h (whose x
 * and z are meant here) the rounding of x is a number like any other, and all of tinykd_requantize is one floor:
 *
 *     (sum * multiplier + (offset << 32)) >> 32 >> shift,  shift = s + E,  offset = z * 2^(shift - 1) + 2^(E - 1)
 *
 * less 2^E before the last shift where sum < 0. */
#ifndef TINYKD_FINISH_FIXED_H
#define TINYKD_FINISH_FIXED_H

#include <stdint.h>

#include "tinykd/clamp.h"
#include "tinykd/dsp.h"

/* Within -128 to 127: E such that the shift is 10, which then comes free with the saturation; where every negative sum comes out
 * at the lower limit. */
static inline int32_t tinykd_finish_fixed_relu_s8(int32_t sum, int32_t multiplier, int32_t offset)
{
    return tinykd_ssat8_of_1024th(tinykd_smmla(sum, multiplier, offset));
}

/* Within -128 to 127: E = 1. */
static inline int32_t tinykd_finish_wide_s8(int32_t sum, int32_t multiplier, int32_t offset, int32_t shift)
{
    return tinykd_ssat8((tinykd_smmla(sum, multiplier, offset) + 2 * (sum >> 31)) >> shift);
}

#endif
