/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D of any window for cores with DSP instructions: channels a multiple of 4.
 *
 * For each row of outputs and each four channels the rows of the input are unpacked once, two rows to a word: a double product
 * then takes two rows of a column, and a window is one run of words, as the filter is: 4 loads of two words each and 4 double
 * products for 8 multiply-accumulates. Columns outside are left out of the run; rows outside are zeros. */
#include "tinykd/depthwise_convolution.h"
#include "tinykd/finish_fixed.h"
#include "tinykd/window.h"

/* Two rows of four channels, less their zero point, to words of (row a, row b) for each channel, `words` from column to column. */
static void depthwise_pairs_unpack(const int8_t *a, int32_t a_step, const int8_t *b, int32_t b_step, uint32_t offset, int32_t columns,
                                   uint32_t *pairs, int32_t words)
{
    for (; columns > 0; --columns) {
        const uint32_t x = tinykd_load_word(a), y = tinykd_load_word(b);
        const uint32_t x02 = tinykd_sxtab16(offset, x), x13 = tinykd_sxtab16_ror8(offset, x);
        const uint32_t y02 = tinykd_sxtab16(offset, y), y13 = tinykd_sxtab16_ror8(offset, y);

        pairs[0] = tinykd_pack((int32_t)x02, (int32_t)y02);
        pairs[1] = tinykd_pack((int32_t)x13, (int32_t)y13);
        pairs[2] = tinykd_pack_high(x02, y02);
        pairs[3] = tinykd_pack_high(x13, y13);
        a += a_step;
        b += b_step;
        pairs += words;
    }
}

/* Four channels of the windows of row `y`, all columns: [in_width, (kernel_height + 1) / 2, 4] words. */
static void depthwise_pairs_rows(const struct tinykd_depthwise_pairs *p, const int8_t *input, int32_t y, uint32_t *pairs)
{
    const uint32_t byte = (uint32_t)p->input_zero_point & 0xFFu, zero_points = byte | byte << 8 | byte << 16 | byte << 24;
    const uint32_t offset = tinykd_minus_in_halves(p->input_zero_point);
    const int32_t top = y * p->stride_height - p->pad_top, words = (p->kernel_height + 1) / 2 * 4;
    const int8_t *const outside = (const int8_t *)&zero_points;

    for (int32_t i = 0; i < p->kernel_height; i += 2, pairs += 4) {
        const int8_t *a = outside, *b = outside;
        int32_t a_step = 0, b_step = 0;

        if (top + i >= 0 && top + i < p->in_height) {
            a = input + (top + i) * p->in_width * p->channels;
            a_step = p->channels;
        }
        if (top + i + 1 >= 0 && top + i + 1 < p->in_height && i + 1 < p->kernel_height) {
            b = input + (top + i + 1) * p->in_width * p->channels;
            b_step = p->channels;
        }
        depthwise_pairs_unpack(a, a_step, b, b_step, offset, p->in_width, pairs, words);
    }
}

/* Sums of four channels: `count` times four words each of the window and of the filter. */
struct depthwise_pairs_sums {
    int32_t s0, s1, s2, s3;
};

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
/* In assembly, as no compiler loads four words by one instruction here: 7 for 8 products where GCC 12 takes 14. */
#define DEPTHWISE_PAIRS_STEP                                                                                           \
    "ldmia %[x]!, {r3, r4, r5, r6}\n\t"                                                                              \
    "ldrd %[v], %[w], [%[f]], #8\n\t"                                                                                \
    "smlad %[s0], r3, %[v], %[s0]\n\t"                                                                               \
    "smlad %[s1], r4, %[w], %[s1]\n\t"                                                                               \
    "ldrd %[v], %[w], [%[f]], #8\n\t"                                                                                \
    "smlad %[s2], r5, %[v], %[s2]\n\t"                                                                               \
    "smlad %[s3], r6, %[w], %[s3]\n\t"

static inline void depthwise_pairs_add(struct depthwise_pairs_sums *sums, const uint32_t *x, const int32_t *f, int32_t count)
{
    uint32_t v, w;
    int32_t s0 = sums->s0, s1 = sums->s1, s2 = sums->s2, s3 = sums->s3;

    __asm__("lsrs %[n], %[n], #1\n\t" /* an odd step first */
            "bcc 1f\n\t" DEPTHWISE_PAIRS_STEP "1: beq 3f\n\t"
            "2:\n\t" DEPTHWISE_PAIRS_STEP DEPTHWISE_PAIRS_STEP "subs %[n], %[n], #1\n\t"
            "bne 2b\n\t"
            "3:\n\t"
            : [s0] "+r"(s0), [s1] "+r"(s1), [s2] "+r"(s2), [s3] "+r"(s3), [x] "+r"(x), [f] "+r"(f),
              [n] "+r"(count), [v] "=&r"(v), [w] "=&r"(w)
            :
            : "r3", "r4", "r5", "r6", "cc", "memory");
    sums->s0 = s0;
    sums->s1 = s1;
    sums->s2 = s2;
    sums->s3 = s3;
}
#else
static inline void depthwise_pairs_add(struct depthwise_pairs_sums *sums, const uint32_t *x, const int32_t *f, int32_t count)
{
    for (; count > 0; --count, x += 4, f += 4) {
        sums->s0 = tinykd_smlad(x[0], (uint32_t)f[0], sums->s0);
        sums->s1 = tinykd_smlad(x[1], (uint32_t)f[1], sums->s1);
        sums->s2 = tinykd_smlad(x[2], (uint32_t)f[2], sums->s2);
        sums->s3 = tinykd_smlad(x[3], (uint32_t)f[3], sums->s3);
    }
}
#endif

/* Four channels of one pixel from `count` times four words. Not inline: its sums need the registers. */
static __attribute__((noinline)) void depthwise_pairs_pixel(const int32_t *filter, const uint32_t *x, const int32_t *f, int32_t count,
                                                            int8_t *out)
{
    struct depthwise_pairs_sums s = {filter[0], filter[1], filter[2], filter[3]};

    if (count > 0) {
        depthwise_pairs_add(&s, x, f, count);
    }
    out[0] = (int8_t)tinykd_finish_wide_s8(s.s0, filter[4], filter[5], filter[6]);
    out[1] = (int8_t)tinykd_finish_wide_s8(s.s1, filter[7], filter[8], filter[9]);
    out[2] = (int8_t)tinykd_finish_wide_s8(s.s2, filter[10], filter[11], filter[12]);
    out[3] = (int8_t)tinykd_finish_wide_s8(s.s3, filter[13], filter[14], filter[15]);
}

/* One row of four channels. */
static void depthwise_pairs_outputs(const struct tinykd_depthwise_pairs *p, const uint32_t *pairs, const int32_t *filter, int8_t *out)
{
    const int32_t words = (p->kernel_height + 1) / 2 * 4, last = p->in_width - p->kernel_width;
    int32_t left = -p->pad_left;

    for (int32_t x = 0; x < p->out_width; ++x, left += p->stride_width, out += p->channels) {
        const int32_t before = left < 0 ? -left : 0, behind = left > last ? left - last : 0;
        const int32_t count = (p->kernel_width - before - behind) * words / 4;

        depthwise_pairs_pixel(filter, pairs + (left + before) * words, filter + 16 + before * words, count, out);
    }
}

void tinykd_depthwise_pairs_dsp_s8(const struct tinykd_depthwise_pairs *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t words = 16 + p->kernel_width * ((p->kernel_height + 1) / 2) * 4, out_row = p->out_width * p->channels;
    uint32_t *const pairs = (uint32_t *)(void *)scratch;
    int8_t *out = output;

    for (int32_t y = 0; y < p->out_height; ++y, out += out_row) {
        const int32_t *filter = p->filters;

        for (int32_t c = 0; c < p->channels; c += 4, filter += words) {
            depthwise_pairs_rows(p, input + c, y, pairs);
            depthwise_pairs_outputs(p, pairs, filter, out + c);
        }
    }
    tinykd_clamp_bytes(output, p->out_height * out_row, p->clamp_low, p->clamp_high);
}
