/* SPDX-License-Identifier: Apache-2.0
 * How the faster kernels turn sums into outputs. tinykd/compile/specialise/finish.py makes their numbers, and proves them.
 *
 * The specification, tinykd_requantize, rounds twice: x = round(sum * m / 2^31), half up, then x / 2^s, half away from zero.
 * As floors nest, both are one sum of 64 bits shifted once; only negative halves need a correction, of -1 to x, and x < 0 only
 * if sum < 0 (and where sum < 0 but x = 0 the correction changes nothing). So with s1 = s - 1 and z = 2 * zero_point + 1
 *
 *     (x + (sum >> 31) + (z << s1)) >> s1 >> 1
 *
 * is the output before it is clamped. |sum| < 2^30, 0 <= s1 <= 21, 0 <= m. */
#ifndef TINYKD_FINISH_H
#define TINYKD_FINISH_H

#include <stdint.h>

#include "tinykd/clamp.h"
#include "tinykd/dsp.h"

/* Rounded twice, any zero point; within -128 to 127. Takes 2 * sum, and any number with the sign of the sum. */
static inline int32_t tinykd_finish_doubled_s8(int32_t doubled, int32_t sign, int32_t multiplier, int32_t s1, int32_t z)
{
    const int32_t t = tinykd_smmlar(doubled, multiplier, z * ((int32_t)1 << s1)) + (sign >> 31);
    return tinykd_ssat8_of_half(t >> s1);
}

static inline int32_t tinykd_finish_twice_s8(int32_t sum, int32_t multiplier, int32_t s1, int32_t z)
{
    return tinykd_finish_doubled_s8(2 * sum, sum, multiplier, s1, z);
}

/* Rounded once: (sum * multiplier + (offset << 32)) >> 32 >> s1, within -128 to 127. The compiler finds multipliers, offsets
 * and a bias for which this equals either rounding on every sum whose output matters. */
static inline int32_t tinykd_finish_floor_s8(int32_t sum, int32_t multiplier, int32_t s1, int32_t offset)
{
    return tinykd_ssat8(tinykd_smmla(sum, multiplier, offset) >> s1);
}

#endif
