/* SPDX-License-Identifier: Apache-2.0
 * AVERAGE_POOL_2D of integers that were uint8, ties up, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/pooling.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

void tinykd_average_pool_2d_up_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output)
{
    const int32_t in_row = p->in_width * p->channels;

    for (int32_t b = 0; b < p->batch; ++b, input += p->in_height * in_row) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const int32_t top = y * p->stride_height - p->pad_top;
            const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->window_height, 1);

            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t left = x * p->stride_width - p->pad_left;
                const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->window_width, 1);
                const int32_t count = (rows.end - rows.first) * (columns.end - columns.first);

                for (int32_t c = 0; c < p->channels; ++c) {
                    int32_t sum = 0;

                    for (int32_t i = rows.first; i < rows.end; ++i) {
                        const int8_t *in = input + (top + i) * in_row + (left + columns.first) * p->channels + c;

                        for (int32_t j = columns.first; j < columns.end; ++j, in += p->channels) {
                            sum += *in;
                        }
                    }
                    const int32_t mean = (sum + 128 * count + count / 2) / count - 128; /* no negative quotient */
                    *output++ = (int8_t)tinykd_clamp(mean, p->clamp_low, p->clamp_high);
                }
            }
        }
    }
}
