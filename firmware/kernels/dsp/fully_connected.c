/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with DSP instructions.
 *
 * Two pairs of filters (tinykd/dot.h) share each unpacked word of input: 16 instructions for 16 products. */
#include "tinykd/compiler.h"
#include "tinykd/dot.h"
#include "tinykd/finish.h"
#include "tinykd/fully_connected.h"

/* Adds the products of four filters with one run of x to their sums. A step of weights is two words of either pair. Returns the
 * weights after the last; steps > 0. Inlined, it would leave compilers no register. */
__attribute__((noinline)) static const uint32_t *fully_connected_dsp_run(int32_t sums[4], const int8_t *x, const uint32_t *weights,
                                                                         int32_t steps)
{
    struct tinykd_pair first = {0, 0}, second = {0, 0};
#ifdef TINYKD_DOT_IN_ASSEMBLY
#define TINYKD_STEP                                                                                                    \
    "ldr %[o], [%[x]], #4\n\t"                                                                                         \
    "ldmia %[w]!, {r0, r1, r2, r3}\n\t"                                                                                \
    "sxtb16 %[e], %[o]\n\t"                                                                                            \
    "sxtb16 %[o], %[o], ror #8\n\t"                                                                                    \
    "smlad %[a0], %[e], r0, %[a0]\n\t"                                                                                 \
    "smlad %[a1], %[e], r2, %[a1]\n\t"                                                                                 \
    "sxtb16 r0, r0\n\t"                                                                                                \
    "sxtb16 r2, r2\n\t"                                                                                                \
    "smlad %[b0], %[e], r0, %[b0]\n\t"                                                                                 \
    "smlad %[b1], %[e], r2, %[b1]\n\t"                                                                                 \
    "smlad %[a0], %[o], r1, %[a0]\n\t"                                                                                 \
    "smlad %[a1], %[o], r3, %[a1]\n\t"                                                                                 \
    "sxtb16 r1, r1\n\t"                                                                                                \
    "sxtb16 r3, r3\n\t"                                                                                                \
    "smlad %[b0], %[o], r1, %[b0]\n\t"                                                                                 \
    "smlad %[b1], %[o], r3, %[b1]\n\t"
    int32_t a0 = 0, b0 = 0, a1 = 0, b1 = 0;
    uint32_t e, o;

    __asm__(TINYKD_STEPS
            : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(weights), [n] "+r"(steps),
              [e] "=&r"(e), [o] "=&r"(o)
            :
            : "r0", "r1", "r2", "r3", "cc", "memory");
#undef TINYKD_STEP
    first.a = a0;
    first.b = b0;
    second.a = a1;
    second.b = b1;
#else
    for (; steps > 0; --steps, x += 4, weights += 4) {
        const uint32_t word = tinykd_load_word(x), e = tinykd_sxtb16(word), o = tinykd_sxtb16_ror8(word);

        first = tinykd_pair_add(tinykd_pair_add(first, e, weights[0]), o, weights[1]);
        second = tinykd_pair_add(tinykd_pair_add(second, e, weights[2]), o, weights[3]);
    }
#endif
    sums[0] += first.b;
    sums[1] += tinykd_pair_difference(first) >> 8;
    sums[2] += second.b;
    sums[3] += tinykd_pair_difference(second) >> 8;
    return weights;
}

/* All sums of one row for four channels; the last inputs of a depth that is not a multiple of 4 meet weights of 0. */
static const uint32_t *fully_connected_dsp_sums(const struct tinykd_fully_connected_dsp *p, const int8_t *input, const uint32_t *weights,
                                                int32_t sums[4])
{
    TINYKD_ALIGNED(4) int8_t last[4] = {0, 0, 0, 0};
    int32_t left = p->depth;

    while (left >= 4) {
        const int32_t steps = left / 4 < p->run ? left / 4 : p->run;

        weights = fully_connected_dsp_run(sums, input, weights, steps);
        input += 4 * steps;
        left -= 4 * steps;
    }
    if (left > 0) {
        for (int32_t d = 0; d < left; ++d) {
            last[d] = input[d];
        }
        weights = fully_connected_dsp_run(sums, last, weights, 1);
    }
    return weights;
}

static void fully_connected_dsp_store(const struct tinykd_fully_connected_dsp *p, int32_t c, const int32_t bytes[4], int8_t *output)
{
    for (int32_t k = 0; k < 4 && c + k < p->channels; ++k) {
        output[c + k] = (int8_t)bytes[k];
    }
}

/* Of four channels: starts of their sums, multipliers, offsets, four bytes of s1. */
struct fully_connected_dsp_floors {
    int32_t starts[4], multipliers[4], offsets[4];
    uint8_t s1[4];
};

void tinykd_fully_connected_single_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        const struct fully_connected_dsp_floors *f = (const void *)p->finish;
        const uint32_t *weights = (const void *)p->weights;

        for (int32_t c = 0; c < p->channels; c += 4, ++f) {
            int32_t s[4] = {f->starts[0], f->starts[1], f->starts[2], f->starts[3]};

            weights = fully_connected_dsp_sums(p, input, weights, s);
            for (int32_t k = 0; k < 4; ++k) {
                s[k] = tinykd_finish_floor_s8(s[k], f->multipliers[k], f->s1[k], f->offsets[k]);
            }
            fully_connected_dsp_store(p, c, s, output);
        }
        tinykd_clamp_bytes(output, p->channels, p->clamp_low, p->clamp_high);
    }
}

/* Of four channels: starts of their sums, multipliers, four bytes of s1. */
struct fully_connected_dsp_twice {
    int32_t starts[4], multipliers[4];
    uint8_t s1[4];
};

void tinykd_fully_connected_double_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        const struct fully_connected_dsp_twice *f = (const void *)p->finish;
        const uint32_t *weights = (const void *)p->weights;

        for (int32_t c = 0; c < p->channels; c += 4, ++f) {
            int32_t s[4] = {f->starts[0], f->starts[1], f->starts[2], f->starts[3]};

            weights = fully_connected_dsp_sums(p, input, weights, s);
            for (int32_t k = 0; k < 4; ++k) {
                s[k] = tinykd_finish_twice_s8(s[k], f->multipliers[k], f->s1[k], p->z);
            }
            fully_connected_dsp_store(p, c, s, output);
        }
        tinykd_clamp_bytes(output, p->channels, p->clamp_low, p->clamp_high);
    }
}
