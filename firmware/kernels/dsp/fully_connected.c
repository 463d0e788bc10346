/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with DSP instructions.
 *
 * Two pairs of filters (tinykd/dot.h) share each unpacked word of input: 16 instructions for 16 products. */
#include "tinykd/compiler.h"
#include "tinykd/dot.h"
#include "tinykd/finish.h"
#include "tinykd/fully_connected.h"

/* Sums of two pairs of filters over one pixel. */
struct fully_connected_dsp_pairs {
    struct tinykd_pair first, second;
};

/* Two pairs of filters, x in bytes: adds to the sums. A step of weights is two words of either pair. Returns the weights after
 * the last; steps > 0. Inlined, it would leave compilers no register. */
__attribute__((noinline)) static const uint32_t *fully_connected_dsp_dot(struct fully_connected_dsp_pairs *sums, const int8_t *x,
                                                                         const uint32_t *weights, int32_t steps)
{
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
    int32_t a0 = sums->first.a, b0 = sums->first.b, a1 = sums->second.a, b1 = sums->second.b;
    uint32_t e, o;

    __asm__(TINYKD_STEPS
            : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(weights), [n] "+r"(steps),
              [e] "=&r"(e), [o] "=&r"(o)
            :
            : "r0", "r1", "r2", "r3", "cc", "memory");
#undef TINYKD_STEP
    sums->first.a = a0;
    sums->first.b = b0;
    sums->second.a = a1;
    sums->second.b = b1;
    return weights;
#else
    for (; steps > 0; --steps, x += 4, weights += 4) {
        const uint32_t word = tinykd_load_word(x), e = tinykd_sxtb16(word), o = tinykd_sxtb16_ror8(word);

        sums->first = tinykd_pair_add(tinykd_pair_add(sums->first, e, weights[0]), o, weights[1]);
        sums->second = tinykd_pair_add(tinykd_pair_add(sums->second, e, weights[2]), o, weights[3]);
    }
    return weights;
#endif
}

/* All sums of one row for channels c to c + 3; the last inputs of a depth that is not a multiple of 4 meet weights of 0. */
static inline struct fully_connected_dsp_pairs fully_connected_dsp_sums(const struct tinykd_fully_connected_dsp *p, const int32_t starts[4],
                                                           const int8_t *input, const uint32_t **weights)
{
    struct fully_connected_dsp_pairs s = {{starts[0], starts[1]}, {starts[2], starts[3]}};
    TINYKD_ALIGNED(4) int8_t last[4] = {0, 0, 0, 0};

    if (p->depth >= 4) {
        *weights = fully_connected_dsp_dot(&s, input, *weights, p->depth / 4);
    }
    if ((p->depth & 3) != 0) {
        for (int32_t d = p->depth & ~3; d < p->depth; ++d) {
            last[d & 3] = input[d];
        }
        *weights = fully_connected_dsp_dot(&s, last, *weights, 1);
    }
    return s;
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
            const struct fully_connected_dsp_pairs s = fully_connected_dsp_sums(p, f->starts, input, &weights);
            const int32_t bytes[4] = {
                tinykd_finish_floor_s8(s.first.b, f->multipliers[0], f->s1[0], f->offsets[0]),
                tinykd_finish_floor_s8(tinykd_pair_difference(s.first) >> 8, f->multipliers[1], f->s1[1], f->offsets[1]),
                tinykd_finish_floor_s8(s.second.b, f->multipliers[2], f->s1[2], f->offsets[2]),
                tinykd_finish_floor_s8(tinykd_pair_difference(s.second) >> 8, f->multipliers[3], f->s1[3], f->offsets[3]),
            };
            fully_connected_dsp_store(p, c, bytes, output);
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
            const struct fully_connected_dsp_pairs s = fully_connected_dsp_sums(p, f->starts, input, &weights);
            const int32_t bytes[4] = {
                tinykd_finish_twice_s8(s.first.b, f->multipliers[0], f->s1[0], p->z),
                tinykd_finish_twice_s8(tinykd_pair_difference(s.first) >> 8, f->multipliers[1], f->s1[1], p->z),
                tinykd_finish_twice_s8(s.second.b, f->multipliers[2], f->s1[2], p->z),
                tinykd_finish_twice_s8(tinykd_pair_difference(s.second) >> 8, f->multipliers[3], f->s1[3], p->z),
            };
            fully_connected_dsp_store(p, c, bytes, output);
        }
        tinykd_clamp_bytes(output, p->channels, p->clamp_low, p->clamp_high);
    }
}
