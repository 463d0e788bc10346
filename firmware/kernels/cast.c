/* SPDX-License-Identifier: Apache-2.0
 * CAST to float32, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/cast.h"

void tinykd_cast_u8_f32(const struct tinykd_cast *p, const uint8_t *input, float *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (float)input[i];
    }
}

void tinykd_cast_s8_f32(const struct tinykd_cast *p, const int8_t *input, float *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (float)input[i];
    }
}

void tinykd_cast_s32_f32(const struct tinykd_cast *p, const int32_t *input, float *output)
{
    for (int32_t i = 0; i < p->elements; ++i) {
        output[i] = (float)input[i];
    }
}
