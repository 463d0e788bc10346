/* SPDX-License-Identifier: Apache-2.0
 * Dot products of two filters at a time with the DSP instructions.
 *
 * SMLAD multiplies halfwords, weights are bytes: unpacking them would cost as many instructions as half of the products. So
 * the compiler stores two filters f and g as halfwords h = 256 * g + f, and one SXTB16 a word gives f back. With the same x
 *
 *     a = sum(x * h) = 256 * sum(x * g) + sum(x * f),    b = sum(x * f),    so sum(x * g) = (a - b) / 256
 *
 * which leaves no remainder. The compiler proves that `a` stays within 32 bits when it ends; on the way it may wrap.
 *
 * Four taps make a step. Weights of a step: words h0 | h2 << 16 and h1 | h3 << 16. Inputs are halfwords in the same order,
 * as SXTB16 takes them out of a word of four bytes. */
#ifndef TINYKD_DOT_H
#define TINYKD_DOT_H

#include <stdint.h>

#include "tinykd/compiler.h"
#include "tinykd/dsp.h"

/* Sums of filters f and g over one pixel, as above. */
struct tinykd_pair {
    int32_t a, b;
};

/* 16 bytes to 8 words of two halfwords; after each two of them lie two of another pixel. */
static inline void tinykd_unpack_16(uint32_t **x, const int8_t **from)
{
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    uint32_t even; /* compilers load and store every word on its own: twice the instructions */
#define TINYKD_UNPACK(word)                                                                                            \
    "sxtb16 %[even], " word "\n\tsxtb16 " word ", " word ", ror #8\n\tstrd %[even], " word ", [%[x]], #16\n\t"
    __asm__ volatile("ldmia %[from]!, {r0, r1, r2, r3}\n\t" TINYKD_UNPACK("r0") TINYKD_UNPACK("r1") TINYKD_UNPACK("r2")
                         TINYKD_UNPACK("r3")
                     : [from] "+r"(*from), [x] "+r"(*x), [even] "=&r"(even)
                     :
                     : "r0", "r1", "r2", "r3", "memory");
#undef TINYKD_UNPACK
#else
    for (int32_t k = 0; k < 4; ++k, *x += 4, *from += 4) {
        const uint32_t word = tinykd_load_word(*from);
        (*x)[0] = tinykd_sxtb16(word);
        (*x)[1] = tinykd_sxtb16_ror8(word);
    }
#endif
}

/* sum + low * low + high * high, wrapping as the instruction does. */
static inline int32_t tinykd_smlad_wrapping(uint32_t a, uint32_t b, int32_t sum)
{
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    return tinykd_smlad(a, b, sum);
#else
    return (int32_t)((uint32_t)sum + (uint32_t)(tinykd_low_half(a) * tinykd_low_half(b)) +
                     (uint32_t)(tinykd_high_half(a) * tinykd_high_half(b)));
#endif
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__OPTIMIZE__)
#define TINYKD_DOT_IN_ASSEMBLY
/* All steps by TINYKD_STEP, which must leave the flags: one if their number is odd, two more if its half is, then four at a time.
 * 13 registers are taken; without optimization compilers do not have them. */
#if TINYKD_SMALL /* two at a time */
#define TINYKD_STEPS                                                                                                   \
    "lsrs %[n], %[n], #1\n\t"                                                                                          \
    "bcc 1f\n\t" TINYKD_STEP "1:\n\t"                                                                                 \
    "beq 3f\n"                                                                                                         \
    "2:\n\t" TINYKD_STEP TINYKD_STEP "subs %[n], %[n], #1\n\t"                                                        \
    "bne 2b\n"                                                                                                         \
    "3:"
#else
#define TINYKD_STEPS                                                                                                   \
    "lsrs %[n], %[n], #1\n\t"                                                                                          \
    "bcc 1f\n\t" TINYKD_STEP "1:\n\t"                                                                                 \
    "lsrs %[n], %[n], #1\n\t"                                                                                          \
    "bcc 2f\n\t" TINYKD_STEP TINYKD_STEP "2:\n\t"                                                                     \
    "beq 4f\n"                                                                                                         \
    "3:\n\t" TINYKD_STEP TINYKD_STEP TINYKD_STEP TINYKD_STEP "subs %[n], %[n], #1\n\t"                                \
    "bne 3b\n"                                                                                                         \
    "4:"
#endif
#endif

/* One word of weights, two taps of x. */
static inline struct tinykd_pair tinykd_pair_add(struct tinykd_pair s, uint32_t x, uint32_t weights)
{
    s.a = tinykd_smlad_wrapping(x, weights, s.a);
    s.b = tinykd_smlad_wrapping(x, tinykd_sxtb16(weights), s.b);
    return s;
}

/* One pixel: x and weights are two words a step, x those of the first of two pixels. */
static inline struct tinykd_pair tinykd_dot_1(struct tinykd_pair s, const uint32_t *x, const uint32_t *weights, int32_t steps)
{
    for (; steps > 0; --steps, x += 4, weights += 2) {
        s = tinykd_pair_add(s, x[0], weights[0]);
        s = tinykd_pair_add(s, x[1], weights[1]);
    }
    return s;
}

/* Two pixels, whose words alternate by twos in x; adds to both pairs of sums. Returns the weights after the last. */
static inline const uint32_t *tinykd_dot_2(struct tinykd_pair *first, struct tinykd_pair *second, const uint32_t *x,
                                           const uint32_t *weights, int32_t steps)
{
#ifdef TINYKD_DOT_IN_ASSEMBLY
    /* 12 instructions for 16 products. Compilers load x one word at a time and spill. */
#define TINYKD_STEP                                                                                                    \
    "ldmia %[x]!, {r0, r1, r2, r3}\n\t"                                                                                \
    "ldrd %[u], %[v], [%[w]], #8\n\t"                                                                                  \
    "smlad %[a0], r0, %[u], %[a0]\n\t"                                                                                 \
    "smlad %[a1], r2, %[u], %[a1]\n\t"                                                                                 \
    "sxtb16 %[u], %[u]\n\t"                                                                                            \
    "smlad %[a0], r1, %[v], %[a0]\n\t"                                                                                 \
    "smlad %[a1], r3, %[v], %[a1]\n\t"                                                                                 \
    "sxtb16 %[v], %[v]\n\t"                                                                                            \
    "smlad %[b0], r0, %[u], %[b0]\n\t"                                                                                 \
    "smlad %[b1], r2, %[u], %[b1]\n\t"                                                                                 \
    "smlad %[b0], r1, %[v], %[b0]\n\t"                                                                                 \
    "smlad %[b1], r3, %[v], %[b1]\n\t"
    int32_t a0 = first->a, b0 = first->b, a1 = second->a, b1 = second->b;
    uint32_t u, v;

    __asm__(TINYKD_STEPS
            : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(weights), [n] "+r"(steps),
              [u] "=&r"(u), [v] "=&r"(v)
            :
            : "r0", "r1", "r2", "r3", "cc", "memory");
#undef TINYKD_STEP
    first->a = a0;
    first->b = b0;
    second->a = a1;
    second->b = b1;
    return weights;
#else
    *first = tinykd_dot_1(*first, x, weights, steps);
    *second = tinykd_dot_1(*second, x + 2, weights, steps);
    return weights + 2 * steps;
#endif
}

/* 256 * sum(x * g): its low byte is 0. */
static inline int32_t tinykd_pair_difference(struct tinykd_pair s)
{
    return (int32_t)((uint32_t)s.a - (uint32_t)s.b);
}

#endif
