/* SPDX-License-Identifier: Apache-2.0
 * RESIZE_BILINEAR, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/resize.h"

void tinykd_resize_bilinear_s8(const struct tinykd_resize_bilinear *p, const int8_t *input, int8_t *output)
{
    const int32_t row = p->in_width * p->channels;

    for (int32_t b = 0; b < p->batch; ++b, input += p->in_height * row) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const int8_t *top = input + p->tops[y] * row;
            const int8_t *bottom = input + p->bottoms[y] * row;
            const int32_t down = p->row_fractions[y];

            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t left = p->lefts[x] * p->channels;
                const int32_t right = p->rights[x] * p->channels;
                const int32_t across = p->column_fractions[x];

                for (int32_t c = 0; c < p->channels; ++c) {
                    const int32_t at_left = top[left + c] * (1024 - down) + bottom[left + c] * down;
                    const int32_t at_right = top[right + c] * (1024 - down) + bottom[right + c] * down;
                    const int32_t sum = at_left * (1024 - across) + at_right * across;
                    *output++ = (int8_t)((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
                }
            }
        }
    }
}
