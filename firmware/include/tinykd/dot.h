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

#include "tinykd/dsp.h"

/* Sums of filters f and g over one pixel, as above. */
struct tinykd_pair {
    int32_t a, b;
};

/* Four bytes of any address: these cores load words from anywhere, also if the compiler is told not to. */
static inline uint32_t tinykd_load_anywhere(const int8_t *bytes)
{
    uint32_t word;
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const int8_t(*)[4])bytes));
#else
    __builtin_memcpy(&word, bytes, sizeof word);
#endif
    return word;
}

static inline void tinykd_store_anywhere(int8_t *bytes, uint32_t word)
{
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    __asm__("str %1, %0" : "=m"(*(int8_t(*)[4])bytes) : "r"(word));
#else
    __builtin_memcpy(bytes, &word, sizeof word);
#endif
}

/* Four bytes to two words of two halfwords, after which two words belong to another pixel. */
static inline void tinykd_unpack(uint32_t **x, const int8_t **from)
{
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    uint32_t even, odd; /* compilers make two stores of the one */
    __asm__ volatile("ldr %[odd], [%[from]], #4\n\t"
                     "sxtb16 %[even], %[odd]\n\t"
                     "sxtb16 %[odd], %[odd], ror #8\n\t"
                     "strd %[even], %[odd], [%[x]], #16"
                     : [from] "+r"(*from), [x] "+r"(*x), [even] "=&r"(even), [odd] "=&r"(odd)
                     :
                     : "memory");
#else
    const uint32_t word = tinykd_load_anywhere(*from);
    (*x)[0] = tinykd_sxtb16(word);
    (*x)[1] = tinykd_sxtb16_ror8(word);
    *from += 4;
    *x += 4;
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
 * Their number and the end of x stay in memory, for 12 registers are taken; without optimization there are not even those. */
#define TINYKD_STEPS                                                                                                   \
    "ldr r0, %[steps]\n\t"                                                                                             \
    "lsls r0, r0, #31\n\t" /* bit 0 to N, bit 1 to C */                                                                \
    "bpl 1f\n\t" TINYKD_STEP "1:\n\t"                                                                                 \
    "bcc 2f\n\t" TINYKD_STEP TINYKD_STEP "2:\n\t"                                                                     \
    "ldr r0, %[end]\n\t"                                                                                               \
    "cmp %[x], r0\n\t"                                                                                                 \
    "beq 4f\n"                                                                                                         \
    "3:\n\t" TINYKD_STEP TINYKD_STEP TINYKD_STEP TINYKD_STEP "ldr r0, %[end]\n\t"                                      \
    "cmp %[x], r0\n\t"                                                                                                 \
    "bne 3b\n"                                                                                                         \
    "4:"
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
    const uint32_t *const end = x + 4 * steps;
    int32_t a0 = first->a, b0 = first->b, a1 = second->a, b1 = second->b;
    uint32_t u, v;

    __asm__(TINYKD_STEPS
            : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(weights), [u] "=&r"(u), [v] "=&r"(v)
            : [steps] "m"(steps), [end] "m"(end)
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

/* Sums of two pairs of filters over one pixel. */
struct tinykd_pairs {
    struct tinykd_pair first, second;
};

/* Two pairs of filters, x still bytes, at any address: adds to the sums. A step of weights is two words of either pair. Returns the
 * weights after the last; steps > 0. */
static inline const uint32_t *tinykd_dot_pairs(struct tinykd_pairs *sums, const int8_t *x, const uint32_t *weights, int32_t steps)
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
    const int8_t *const end = x + 4 * steps;
    int32_t a0 = sums->first.a, b0 = sums->first.b, a1 = sums->second.a, b1 = sums->second.b;
    uint32_t e, o;

    __asm__(TINYKD_STEPS
            : [a0] "+r"(a0), [b0] "+r"(b0), [a1] "+r"(a1), [b1] "+r"(b1), [x] "+r"(x), [w] "+r"(weights), [e] "=&r"(e), [o] "=&r"(o)
            : [steps] "m"(steps), [end] "m"(end)
            : "r0", "r1", "r2", "r3", "cc", "memory");
#undef TINYKD_STEP
    sums->first.a = a0;
    sums->first.b = b0;
    sums->second.a = a1;
    sums->second.b = b1;
    return weights;
#else
    for (; steps > 0; --steps, x += 4, weights += 4) {
        const uint32_t word = tinykd_load_anywhere(x), e = tinykd_sxtb16(word), o = tinykd_sxtb16_ror8(word);

        sums->first = tinykd_pair_add(tinykd_pair_add(sums->first, e, weights[0]), o, weights[1]);
        sums->second = tinykd_pair_add(tinykd_pair_add(sums->second, e, weights[2]), o, weights[3]);
    }
    return weights;
#endif
}

/* 256 * sum(x * g): its low byte is 0. */
static inline int32_t tinykd_pair_difference(struct tinykd_pair s)
{
    return (int32_t)((uint32_t)s.a - (uint32_t)s.b);
}

#endif
