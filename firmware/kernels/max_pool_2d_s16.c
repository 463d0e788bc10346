/* SPDX-License-Identifier: Apache-2.0
 * MAX_POOL_2D of int16, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/pooling.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

void tinykd_max_pool_2d_s16(const struct tinykd_pool_2d *p, const int16_t *input, int16_t *output)
{
    const int32_t in_row = p->in_width * p->channels;

    for (int32_t b = 0; b < p->batch; ++b, input += p->in_height * in_row) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const int32_t top = y * p->stride_height - p->pad_top;
            const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->window_height, 1);

            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t left = x * p->stride_width - p->pad_left;
                const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->window_width, 1);

                for (int32_t c = 0; c < p->channels; ++c) {
                    int32_t largest = INT16_MIN;

                    for (int32_t i = rows.first; i < rows.end; ++i) {
                        const int16_t *in = input + (top + i) * in_row + (left + columns.first) * p->channels + c;

                        for (int32_t j = columns.first; j < columns.end; ++j, in += p->channels) {
                            largest = *in > largest ? *in : largest;
                        }
                    }
                    *output++ = (int16_t)tinykd_clamp(largest, p->clamp_low, p->clamp_high);
                }
            }
        }
    }
}
