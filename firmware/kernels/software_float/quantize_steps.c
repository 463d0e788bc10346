/* SPDX-License-Identifier: Apache-2.0
 * QUANTIZE from float32 for cores without a floating-point unit, in integers alone.
 *
 * The output is a step function of the input: the compiler lists the least float32 of each step, and the bits of floats, negative
 * ones complemented, are in the order of their values. Eight comparisons find the step; a division in software takes a hundred. */
#include <string.h>

#include "tinykd/affine.h"

/* How many of the 255 steps lie at or below `input`; none for what is not a number. */
static inline int32_t quantize_steps_below(const int32_t *steps, const float *input)
{
    int32_t key;

    memcpy(&key, input, sizeof key);
    if (key < 0) {
        key ^= 0x7FFFFFFF;
    } else if (key > 0x7F800000) {
        return 0;
    }
    const int32_t *below = steps;
    below += below[127] <= key ? 128 : 0;
    below += below[63] <= key ? 64 : 0;
    below += below[31] <= key ? 32 : 0;
    below += below[15] <= key ? 16 : 0;
    below += below[7] <= key ? 8 : 0;
    below += below[3] <= key ? 4 : 0;
    below += below[1] <= key ? 2 : 0;
    below += below[0] <= key ? 1 : 0;
    return (int32_t)(below - steps);
}

void tinykd_quantize_steps_s8(const struct tinykd_quantize_steps *p, const float *input, int8_t *output)
{
    const int32_t *const steps = p->steps;

    for (const int8_t *const end = output + p->elements; output != end; ++output, ++input) {
        *output = (int8_t)(quantize_steps_below(steps, input) - 128);
    }
}

void tinykd_quantize_steps_u8(const struct tinykd_quantize_steps *p, const float *input, uint8_t *output)
{
    const int32_t *const steps = p->steps;

    for (const uint8_t *const end = output + p->elements; output != end; ++output, ++input) {
        *output = (uint8_t)quantize_steps_below(steps, input);
    }
}
