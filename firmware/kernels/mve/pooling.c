/* SPDX-License-Identifier: Apache-2.0
 * MAX_POOL_2D and AVERAGE_POOL_2D for cores with Helium: sixteen or eight channels at a time, one image.
 * Sums of at most 255 bytes fit 16 bits; their division is scalar, once for each output. */
#include "tinykd/mve.h"
#include "tinykd/pooling.h"
#include "tinykd/requantize.h"
#include "tinykd/window.h"

/* The taps of a window that lie inside: rows of `row` bytes. */
struct pool_mve_window {
    const int8_t *input;
    int32_t rows, columns, row;
};

TINYKD_INLINE struct pool_mve_window pool_mve_window(const struct tinykd_pool_2d *p, const int8_t *input, int32_t y, int32_t x)
{
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->window_height, 1);
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->window_width, 1);
    struct pool_mve_window w;

    w.row = p->in_width * p->channels;
    w.input = input + (top + rows.first) * w.row + (left + columns.first) * p->channels;
    w.rows = rows.end - rows.first;
    w.columns = columns.end - columns.first;
    if (w.columns == p->in_width) { /* whole rows follow each other */
        w.columns *= w.rows;
        w.rows = w.rows > 0 ? 1 : 0;
    }
    return w;
}

/* Up to sixteen channels. */
TINYKD_INLINE void max_pool_mve_channels(const struct tinykd_pool_2d *p, const struct pool_mve_window *w, int32_t c, int32_t some,
                                         int8_t *output)
{
    tinykd_bytes largest = tinykd_same_bytes(-128);

    for (int32_t i = 0; i < w->rows; ++i) {
        const int8_t *in = w->input + i * w->row + c;

        for (int32_t j = w->columns; j > 0; --j, in += p->channels) {
            largest = tinykd_larger_bytes(largest, some == 16 ? tinykd_load_bytes(in) : tinykd_load_some_bytes(in, some));
        }
    }
    tinykd_store_some_bytes(output, tinykd_clamp_vector(largest, p->clamp_low, p->clamp_high), some);
}

void tinykd_max_pool_2d_mve_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output)
{
    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width; ++x, output += p->channels) {
            const struct pool_mve_window w = pool_mve_window(p, input, y, x);
            int32_t c = 0;

            for (; c + 16 <= p->channels; c += 16) {
                max_pool_mve_channels(p, &w, c, 16, output + c);
            }
            if (c < p->channels) {
                max_pool_mve_channels(p, &w, c, p->channels - c, output + c);
            }
        }
    }
}

TINYKD_INLINE tinykd_vector_halves average_pool_mve_load(const int8_t *from, int32_t some)
{
    return some == 8 ? tinykd_load_halves(from) : tinykd_load_some_halves(from, some);
}

/* Up to eight channels. */
TINYKD_INLINE void average_pool_mve_channels(const struct tinykd_pool_2d *p, const struct pool_mve_window *w, int32_t c, int32_t some,
                                             int8_t *output)
{
    const int32_t count = w->rows * w->columns, step = p->channels;
    tinykd_vector_halves total = tinykd_same_halves(0);
    int16_t sums[8];

    for (int32_t i = 0; i < w->rows; ++i) {
        const int8_t *in = w->input + i * w->row + c;

        for (int32_t j = w->columns >> 1; j > 0; --j, in += 2 * step) {
            total = tinykd_add_halves(total, average_pool_mve_load(in, some));
            total = tinykd_add_halves(total, average_pool_mve_load(in + step, some));
        }
        if ((w->columns & 1) != 0) {
            total = tinykd_add_halves(total, average_pool_mve_load(in, some));
        }
    }
    tinykd_store_halves(sums, total);
    for (int32_t k = 0; k < some; ++k) {
        const int32_t mean = (sums[k] > 0 ? sums[k] + count / 2 : sums[k] - count / 2) / count;
        output[k] = (int8_t)tinykd_clamp(mean, p->clamp_low, p->clamp_high);
    }
}

void tinykd_average_pool_2d_mve_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output)
{
    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width; ++x, output += p->channels) {
            const struct pool_mve_window w = pool_mve_window(p, input, y, x);
            int32_t c = 0;

            for (; c + 8 <= p->channels; c += 8) {
                average_pool_mve_channels(p, &w, c, 8, output + c);
            }
            if (c < p->channels) {
                average_pool_mve_channels(p, &w, c, p->channels - c, output + c);
            }
        }
    }
}
