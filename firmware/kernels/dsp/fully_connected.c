/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with DSP instructions: depth a multiple of 4.
 *
 * Four channels share each unpacked word of input: 5 loads, 10 unpackings and 8 double products for 16 multiply-accumulates. */
#include "tinykd/dsp.h"
#include "tinykd/fully_connected.h"
#include "tinykd/requantize.h"

/* The sums of channels c to c + 3, or of as many as there are. */
static void fully_connected_dsp_sums(const struct tinykd_fully_connected *p, const int8_t *input, int32_t c, int32_t sums[4])
{
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    const int32_t last = p->channels - 1 - c;
    const int8_t *const f0 = p->weights + c * p->depth;
    const int8_t *const f1 = f0 + (last >= 1 ? p->depth : 0);
    const int8_t *const f2 = f0 + (last >= 2 ? 2 * p->depth : 0);
    const int8_t *const f3 = f0 + (last >= 3 ? 3 * p->depth : 0);
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;

    for (int32_t k = 0; k < p->depth; k += 4) {
        const uint32_t x = tinykd_load_word(input + k);
        const uint32_t xe = tinykd_sxtab16(offset, x), xo = tinykd_sxtab16_ror8(offset, x);
        const uint32_t v0 = tinykd_load_word(f0 + k), v1 = tinykd_load_word(f1 + k);
        const uint32_t v2 = tinykd_load_word(f2 + k), v3 = tinykd_load_word(f3 + k);

        s0 = tinykd_smlad(xo, tinykd_sxtb16_ror8(v0), tinykd_smlad(xe, tinykd_sxtb16(v0), s0));
        s1 = tinykd_smlad(xo, tinykd_sxtb16_ror8(v1), tinykd_smlad(xe, tinykd_sxtb16(v1), s1));
        s2 = tinykd_smlad(xo, tinykd_sxtb16_ror8(v2), tinykd_smlad(xe, tinykd_sxtb16(v2), s2));
        s3 = tinykd_smlad(xo, tinykd_sxtb16_ror8(v3), tinykd_smlad(xe, tinykd_sxtb16(v3), s3));
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

void tinykd_fully_connected_single_dsp_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4];

    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            if ((c & 3) == 0) {
                fully_connected_dsp_sums(p, input, c, sums);
            }
            const int32_t scaled = tinykd_requantize_once(sums[c & 3] + p->bias[c], p->multipliers[c], p->shifts[c]);
            output[c] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}

void tinykd_fully_connected_double_dsp_s8(const struct tinykd_fully_connected *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4];

    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        for (int32_t c = 0; c < p->channels; ++c) {
            if ((c & 3) == 0) {
                fully_connected_dsp_sums(p, input, c, sums);
            }
            const int32_t scaled = tinykd_requantize(sums[c & 3] + p->bias[c], p->multipliers[c], p->shifts[c]);
            output[c] = (int8_t)tinykd_clamp(scaled + p->output_zero_point, p->clamp_low, p->clamp_high);
        }
    }
}
