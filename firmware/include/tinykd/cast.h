/* SPDX-License-Identifier: Apache-2.0
 * CAST to float32: every integer as the nearest real number. */
#ifndef TINYKD_CAST_H
#define TINYKD_CAST_H

#include <stdint.h>

struct tinykd_cast {
    int32_t elements;
};

void tinykd_cast_u8_f32(const struct tinykd_cast *p, const uint8_t *input, float *output);
void tinykd_cast_s8_f32(const struct tinykd_cast *p, const int8_t *input, float *output);
void tinykd_cast_s32_f32(const struct tinykd_cast *p, const int32_t *input, float *output);

#endif
