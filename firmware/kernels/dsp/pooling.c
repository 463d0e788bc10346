/* SPDX-License-Identifier: Apache-2.0
 * AVERAGE_POOL_2D and MAX_POOL_2D for cores with DSP instructions: one image, channels a multiple of 4, a word of four at a time.
 * Sums are kept in halfwords, which hold those of 255 bytes. */
#include "tinykd/clamp.h"
#include "tinykd/dsp.h"
#include "tinykd/pooling.h"
#include "tinykd/window.h"

/* A window clipped to the input: `rows` runs of `pixels`. */
struct pooling_dsp_window {
    const int8_t *first;
    int32_t rows, pixels;
    int32_t channels, row_bytes;
};

static inline struct pooling_dsp_window pooling_dsp_clip(const struct tinykd_pool_2d *p, const int8_t *input, int32_t y, int32_t x)
{
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const struct tinykd_taps rows = tinykd_taps_inside(top, p->in_height, p->window_height, 1);
    const struct tinykd_taps columns = tinykd_taps_inside(left, p->in_width, p->window_width, 1);
    const int32_t row_bytes = p->in_width * p->channels;
    const int8_t *const first = input + (top + rows.first) * row_bytes + (left + columns.first) * p->channels;
    struct pooling_dsp_window w = {first, rows.end - rows.first, columns.end - columns.first, p->channels, row_bytes};

    if (w.pixels == p->in_width) { /* rows that follow each other are one */
        w.pixels *= w.rows;
        w.rows = 1;
    }
    return w;
}

/* Halves away from zero. */
static inline int8_t pooling_dsp_mean(int32_t sum, int32_t count)
{
    return (int8_t)((sum + (sum > 0 ? count / 2 : -(count / 2))) / count);
}

static void pooling_dsp_average(const struct pooling_dsp_window *w, int32_t c, int8_t *out)
{
    const int32_t count = w->rows * w->pixels;
    const int8_t *row = w->first + c;
    uint32_t even = 0, odd = 0;

    for (int32_t i = w->rows; i > 0; --i, row += w->row_bytes) {
        const int8_t *in = row;

        for (int32_t j = w->pixels; j > 0; --j, in += w->channels) {
            const uint32_t x = tinykd_load_word(in);

            even = tinykd_sxtab16(even, x);
            odd = tinykd_sxtab16_ror8(odd, x);
        }
    }
    out[0] = pooling_dsp_mean((int16_t)(even & 0xFFFFu), count);
    out[1] = pooling_dsp_mean((int16_t)(odd & 0xFFFFu), count);
    out[2] = pooling_dsp_mean((int32_t)even >> 16, count);
    out[3] = pooling_dsp_mean((int32_t)odd >> 16, count);
}

static void pooling_dsp_largest(const struct pooling_dsp_window *w, int32_t c, int8_t *out)
{
    const int8_t *row = w->first + c;
    uint32_t largest = 0x80808080u;

    for (int32_t i = w->rows; i > 0; --i, row += w->row_bytes) {
        const int8_t *in = row;

        for (int32_t j = w->pixels; j > 0; --j, in += w->channels) {
            largest = tinykd_largest_bytes(largest, tinykd_load_word(in));
        }
    }
    tinykd_store_word(out, largest);
}

void tinykd_average_pool_2d_dsp_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output)
{
    int8_t *out = output;

    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width; ++x, out += p->channels) {
            const struct pooling_dsp_window w = pooling_dsp_clip(p, input, y, x);

            for (int32_t c = 0; c < p->channels; c += 4) {
                pooling_dsp_average(&w, c, out + c);
            }
        }
    }
    tinykd_clamp_bytes(output, (int32_t)(out - output), p->clamp_low, p->clamp_high);
}

void tinykd_max_pool_2d_dsp_s8(const struct tinykd_pool_2d *p, const int8_t *input, int8_t *output)
{
    int8_t *out = output;

    for (int32_t y = 0; y < p->out_height; ++y) {
        for (int32_t x = 0; x < p->out_width; ++x, out += p->channels) {
            const struct pooling_dsp_window w = pooling_dsp_clip(p, input, y, x);

            for (int32_t c = 0; c < p->channels; c += 4) {
                pooling_dsp_largest(&w, c, out + c);
            }
        }
    }
    tinykd_clamp_bytes(output, (int32_t)(out - output), p->clamp_low, p->clamp_high);
}
