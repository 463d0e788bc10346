/* SPDX-License-Identifier: Apache-2.0
 * ADD, SUB and MUL of equal shapes for cores with DSP instructions: one loop without branches, clamped once at the end. */
#include "tinykd/elementwise.h"
#include "tinykd/finish.h"
#include "tinykd/finish_fixed.h"

/* The operand of the larger scale, a, is only shifted. The other is rounded twice as finish.h explains: half up by the high
 * multiply, then half away from zero, which takes its sign. b_offset holds half a unit and the zero point of a. */
void tinykd_scaled_sum_dsp_s8(const struct tinykd_scaled_sum *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct tinykd_scaled_sum s = *p;
    int8_t *out = output;

    for (const int8_t *const end = a + s.elements; a != end;) {
        const int32_t raised = *b++ * s.b_factor + s.b_constant;
        const int32_t scaled = (tinykd_smmlar(raised, s.b_multiplier, s.b_offset) + (raised >> 31)) >> s.b_shift;
        const int32_t sum = *a++ * s.a_factor + scaled;
        *out++ = (int8_t)tinykd_finish_twice_s8(sum, s.output_multiplier, s.output_shift, s.output_z);
    }
    tinykd_clamp_bytes(output, s.elements, s.clamp_low, s.clamp_high);
}

void tinykd_scaled_product_dsp_s8(const struct tinykd_scaled_product *p, const int8_t *a, const int8_t *b, int8_t *output)
{
    const struct tinykd_scaled_product s = *p;

    for (int32_t i = 0; i < s.elements; ++i) {
        const int32_t product = (a[i] - s.a_zero_point) * (b[i] - s.b_zero_point);
        output[i] = (int8_t)tinykd_finish_twice_s8(product, s.output_multiplier, s.output_shift, s.output_z);
    }
    tinykd_clamp_bytes(output, s.elements, s.clamp_low, s.clamp_high);
}
