/* SPDX-License-Identifier: Apache-2.0
 * ADD and SUB of equal shapes for cores with Helium. The specification scales each operand and then their sum, rounding each time
 * twice; the compiler finds two factors and an offset for which one shift gives the same bytes, and tries all 65536 pairs. */
#include "tinykd/mve.h"
#include "tinykd/mve_layers.h"

TINYKD_INLINE tinykd_words weighted_sum_mve_four(const struct tinykd_weighted_sum_mve *p, tinykd_words a, tinykd_words b)
{
    return tinykd_weighted_words(a, p->a_factor, b, p->b_factor, p->offset, p->shift);
}

void tinykd_weighted_sum_mve_s8(const struct tinykd_weighted_sum_mve *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct tinykd_weighted_sum_mve q = *p;
    int8_t *const first = output;
    int32_t left = q.elements;

    for (int32_t i = left >> 3; i > 0; --i, a += 8, b += 8, output += 8) {
        const tinykd_words low = weighted_sum_mve_four(&q, tinykd_widen_bytes(a), tinykd_widen_bytes(b));
        const tinykd_words high = weighted_sum_mve_four(&q, tinykd_widen_bytes(a + 4), tinykd_widen_bytes(b + 4));

        tinykd_store_narrowed(output, output + 4, tinykd_narrow_words(low, high, 0));
    }
    for (left &= 7; left > 0; left -= 4, a += 4, b += 4, output += 4) {
        const int32_t some = left < 4 ? left : 4;
        const tinykd_words v = weighted_sum_mve_four(&q, tinykd_widen_some_bytes(a, some), tinykd_widen_some_bytes(b, some));

        tinykd_store_some_narrowed(output, output, tinykd_narrow_words(v, v, 0), some);
    }
    if (q.clamp_low > -128 || q.clamp_high < 127) {
        tinykd_clamp_in_place(first, q.elements, q.clamp_low, q.clamp_high);
    }
}
