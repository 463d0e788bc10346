/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D with 3x3 filters and ReLU for cores with DSP instructions.
 *
 * A row of outputs is computed channel by channel, with the filter in registers. Each column of the input is read once, three
 * bytes, of which two become a pair for double products, and is at once added to the outputs that it belongs to: 4 + 6
 * instructions for 9 multiply-accumulates. Columns outside have the zero point's value, whose share is in the bias; rows
 * outside have weights of 0. */
#include "tinykd/depthwise_convolution.h"
#include "tinykd/finish_fixed.h"

/* A filter as depthwise_convolution.h has it. */
struct depthwise_3x3_filter {
    uint32_t p0, p1, p2; /* rows 0 and 1 of each column */
    uint32_t t01, t2;    /* row 2 of columns 0 and 1, of column 2 */
    int32_t bias, multiplier, offset;
};

/* What a row needs beside the filter: bytes from its first row to the others and from column to column, columns of the input,
 * and whether a column outside comes before and behind them. */
struct depthwise_3x3_row {
    int32_t second, third, step;
    int32_t columns;
    int32_t left, right;
    int32_t zero_point;
};

/* A column of the input: rows 0 and 1, row 2. */
struct depthwise_3x3_column {
    uint32_t pair, third;
};

static inline struct depthwise_3x3_column depthwise_3x3_outside(const struct depthwise_3x3_row *p)
{
    const struct depthwise_3x3_column x = {tinykd_pack(p->zero_point, p->zero_point), (uint32_t)p->zero_point};
    return x;
}

/* The empty instruction keeps the compiler from following one pointer more instead of adding to this one. */
static inline struct depthwise_3x3_column depthwise_3x3_read(const int8_t **in, int32_t second, int32_t third, int32_t step)
{
    const struct depthwise_3x3_column x = {tinykd_pack((*in)[0], (*in)[second]), (uint32_t)(*in)[third]};
    *in += step;
    __asm__("" : "+r"(*in));
    return x;
}

static inline void depthwise_3x3_write(const struct depthwise_3x3_filter *f, int32_t sum, int8_t **out, int32_t step)
{
    **out = (int8_t)tinykd_finish_fixed_relu_s8(sum, f->multiplier, f->offset);
    *out += step;
    __asm__("" : "+r"(*out));
}

/* A column as the first, second and third of a window. */
static inline int32_t depthwise_3x3_first(const struct depthwise_3x3_filter *f, struct depthwise_3x3_column x)
{
    return tinykd_smlabb(x.third, f->t01, tinykd_smlad(x.pair, f->p0, f->bias));
}

static inline int32_t depthwise_3x3_second(const struct depthwise_3x3_filter *f, struct depthwise_3x3_column x, int32_t sum)
{
    return tinykd_smlabt(x.third, f->t01, tinykd_smlad(x.pair, f->p1, sum));
}

static inline int32_t depthwise_3x3_third(const struct depthwise_3x3_filter *f, struct depthwise_3x3_column x, int32_t sum)
{
    return tinykd_smlabb(x.third, f->t2, tinykd_smlad(x.pair, f->p2, sum));
}

static inline struct depthwise_3x3_filter depthwise_3x3_load(const int32_t *words)
{
    const struct depthwise_3x3_filter f = {(uint32_t)words[0], (uint32_t)words[1], (uint32_t)words[2], (uint32_t)words[3],
                                           (uint32_t)words[4], words[5], words[6], words[7]};
    return f;
}

/* The words of a filter that reaches one row outside, with its rows moved down by `by` (-1, 0, 1) on the rows that there are. The
 * row that falls off at the top (-1) or at the bottom meets the zero point. */
static void depthwise_3x3_move(const int32_t *words, int32_t by, int32_t zero_point, int32_t *moved)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(words);
    const uint32_t outside = (uint32_t)zero_point, high = 0xFFFF0000u;

    moved[6] = f.multiplier;
    moved[7] = f.offset;
    if (by < 0) {
        moved[0] = (int32_t)(f.p0 >> 16 | f.t01 << 16);
        moved[1] = (int32_t)(f.p1 >> 16 | (f.t01 & high));
        moved[2] = (int32_t)(f.p2 >> 16 | f.t2 << 16);
        moved[3] = moved[4] = 0;
        moved[5] = tinykd_smlabb(outside, f.p0, tinykd_smlabb(outside, f.p1, tinykd_smlabb(outside, f.p2, f.bias)));
        return;
    }
    moved[5] = tinykd_smlabb(outside, f.t01, tinykd_smlabt(outside, f.t01, tinykd_smlabb(outside, f.t2, f.bias)));
    if (by > 0) {
        moved[0] = (int32_t)(f.p0 << 16);
        moved[1] = (int32_t)(f.p1 << 16);
        moved[2] = (int32_t)(f.p2 << 16);
        moved[3] = (int32_t)(f.p0 >> 16 | (f.p1 & high));
        moved[4] = (int32_t)(f.p2 >> 16);
    } else {
        moved[0] = words[0];
        moved[1] = words[1];
        moved[2] = words[2];
        moved[3] = moved[4] = 0;
    }
}

static void depthwise_3x3_stride_1(const struct depthwise_3x3_row *p, const int32_t *words, const int8_t *in, int8_t *out)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(words);
    const int32_t second = p->second, third = p->third, step = p->step;
    int32_t columns = p->columns - 1, a, b, c;
    struct depthwise_3x3_column x = depthwise_3x3_outside(p);

    if (p->left == 0) {
        x = depthwise_3x3_read(&in, second, third, step);
        --columns;
    }
    a = depthwise_3x3_first(&f, x);
    x = depthwise_3x3_read(&in, second, third, step);
    a = depthwise_3x3_second(&f, x, a);
    b = depthwise_3x3_first(&f, x);
    for (; columns >= 3; columns -= 3) { /* three sums take turns */
        x = depthwise_3x3_read(&in, second, third, step);
        a = depthwise_3x3_third(&f, x, a);
        b = depthwise_3x3_second(&f, x, b);
        c = depthwise_3x3_first(&f, x);
        depthwise_3x3_write(&f, a, &out, step);
        x = depthwise_3x3_read(&in, second, third, step);
        b = depthwise_3x3_third(&f, x, b);
        c = depthwise_3x3_second(&f, x, c);
        a = depthwise_3x3_first(&f, x);
        depthwise_3x3_write(&f, b, &out, step);
        x = depthwise_3x3_read(&in, second, third, step);
        c = depthwise_3x3_third(&f, x, c);
        a = depthwise_3x3_second(&f, x, a);
        b = depthwise_3x3_first(&f, x);
        depthwise_3x3_write(&f, c, &out, step);
    }
    for (; columns > 0; --columns) {
        x = depthwise_3x3_read(&in, second, third, step);
        a = depthwise_3x3_third(&f, x, a);
        depthwise_3x3_write(&f, a, &out, step);
        a = depthwise_3x3_second(&f, x, b);
        b = depthwise_3x3_first(&f, x);
    }
    if (p->right != 0) {
        a = depthwise_3x3_third(&f, depthwise_3x3_outside(p), a);
        depthwise_3x3_write(&f, a, &out, step);
    }
}

/* The third column of a window is the first of the next. */
static void depthwise_3x3_stride_2(const struct depthwise_3x3_row *p, const int32_t *words, const int8_t *in, int8_t *out)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(words);
    const int32_t second = p->second, third = p->third, step = p->step;
    int32_t columns = p->columns, sum, next;
    struct depthwise_3x3_column x = depthwise_3x3_outside(p);

    if (p->left == 0) {
        x = depthwise_3x3_read(&in, second, third, step);
        --columns;
    }
    next = depthwise_3x3_first(&f, x);
    for (; columns >= 2; columns -= 2) {
        x = depthwise_3x3_read(&in, second, third, step);
        sum = depthwise_3x3_second(&f, x, next);
        x = depthwise_3x3_read(&in, second, third, step);
        sum = depthwise_3x3_third(&f, x, sum);
        next = depthwise_3x3_first(&f, x);
        depthwise_3x3_write(&f, sum, &out, step);
    }
    if (p->right != 0) {
        x = depthwise_3x3_read(&in, second, third, step);
        sum = depthwise_3x3_second(&f, x, next);
        sum = depthwise_3x3_third(&f, depthwise_3x3_outside(p), sum);
        depthwise_3x3_write(&f, sum, &out, step);
    }
}

void tinykd_depthwise_3x3_dsp_s8(const struct tinykd_depthwise_3x3 *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->channels, out_row = p->out_width * channels;
    const int32_t needed = (p->out_width - 1) * p->stride_width + 3 - p->pad_left; /* columns from the first inside on */
    const int32_t right = needed > p->in_width ? 1 : 0;
    const int32_t in_row = p->in_width * channels, last = p->in_height < 3 ? 0 : p->in_height - 3;
    const struct depthwise_3x3_row row = {in_row, p->in_height < 3 ? in_row : 2 * in_row, channels, needed - right, p->pad_left,
                                          right, p->input_zero_point};
    int8_t *out = output;

    for (int32_t y = 0; y < p->out_height; ++y, out += out_row) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const int32_t first = top < 0 ? 0 : top > last ? last : top;
        const int8_t *const line = input + first * in_row;
        const int32_t *filter = p->filters;

        for (int32_t c = 0; c < channels; ++c, filter += TINYKD_DEPTHWISE_3X3_WORDS) {
            const int32_t *words = filter;
            int32_t moved[TINYKD_DEPTHWISE_3X3_WORDS];

            if (top < 0 || top + 3 > p->in_height) {
                depthwise_3x3_move(filter, top - first, p->input_zero_point, moved);
                words = moved;
            }
            if (p->stride_width == 1) {
                depthwise_3x3_stride_1(&row, words, line + c, out + c);
            } else {
                depthwise_3x3_stride_2(&row, words, line + c, out + c);
            }
        }
    }
    tinykd_clamp_bytes(output, p->out_height * out_row, p->clamp_low, p->clamp_high);
}
