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
    uint32_t t01, t2;    /* row 2 of columns 0 and 1; of column 2, and the channels */
    int32_t bias, multiplier, offset;
};

/* One row of some channels. */
struct depthwise_3x3_row {
    int32_t channels;     /* still to be computed; what follows is for the next of them */
    const int32_t *words; /* the filter */
    const int8_t *in, *end; /* its columns inside */
    int8_t *out;
    int32_t second;      /* bytes from its first row to the others */
    uint32_t outside[2]; /* a column outside: pair and third row */
    int32_t left, right; /* whether there is one before and behind */
    int32_t rest;        /* columns from the third on, but for groups of three */
    int32_t step;        /* bytes from column to column */
    /* what the assembly loads in pairs, and keeps for itself */
    int32_t bias, third;
    int32_t multiplier, offset;
    int32_t ahead; /* from the input that is read next to the output */
};

static inline struct depthwise_3x3_filter depthwise_3x3_load(const int32_t *words)
{
    const struct depthwise_3x3_filter f = {(uint32_t)words[0], (uint32_t)words[1], (uint32_t)words[2], (uint32_t)words[3],
                                           (uint32_t)words[4], words[5], words[6], words[7]};
    return f;
}

/* The words of a filter that reaches one row outside: at the top (-1), where its rows move up by one, or at the bottom. The row
 * outside meets the zero point, and the third row's weights become 0. */
static void depthwise_3x3_cut(const int32_t *words, int32_t top, int32_t zero_point, int32_t *cut)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(words);
    const uint32_t outside = (uint32_t)zero_point, high = 0xFFFF0000u;

    if (top < 0) {
        cut[0] = (int32_t)(f.p0 >> 16 | f.t01 << 16);
        cut[1] = (int32_t)(f.p1 >> 16 | (f.t01 & high));
        cut[2] = (int32_t)(f.p2 >> 16 | f.t2 << 16);
        cut[5] = tinykd_smlabb(outside, f.p0, tinykd_smlabb(outside, f.p1, tinykd_smlabb(outside, f.p2, f.bias)));
    } else {
        cut[0] = words[0];
        cut[1] = words[1];
        cut[2] = words[2];
        cut[5] = tinykd_smlabb(outside, f.t01, tinykd_smlabt(outside, f.t01, tinykd_smlabb(outside, f.t2, f.bias)));
    }
    cut[3] = 0;
    cut[4] = (int32_t)(f.t2 & high);
    cut[6] = f.multiplier;
    cut[7] = f.offset;
}

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
/* In assembly, as compilers keep neither filter nor sums in the registers that there are: 18 instructions an output where GCC 12
 * takes 23. r0 input, r1 second row; r4, r5, r6, r8, r9 filter, with the step above the last weight; r10 to r12 sums that take
 * turns, the newest in place of the pair that it is made of; r3 the bias, lr the third row's input. r7 may be the frame pointer. */
#define DEPTHWISE_3X3_LOAD                                                                                             \
    "0: ldr r3, [%[p], %[words]]\n\tldmia r3!, {r4, r5, r6, r8, r9, r10, r11, r12}\n\tstr r3, [%[p], %[words]]\n\t"     \
    "str r10, [%[p], %[bias]]\n\tstrd r11, r12, [%[p], %[multiplier]]\n\tldr r1, [%[p], %[second]]\n\t"                \
    "ldr r0, [%[p], %[in]]\n\tadd r3, r0, #1\n\tstr r3, [%[p], %[in]]\n\t"                                          \
    "ldr r12, [%[p], %[out]]\n\tadd r3, r12, #1\n\tstr r3, [%[p], %[out]]\n\t"
#define DEPTHWISE_3X3_NEXT                                                                                             \
    "ldr r3, [%[p], %[end]]\n\tadd r3, r3, #1\n\tstr r3, [%[p], %[end]]\n\t"                                         \
    "ldr r3, [%[p], %[channels]]\n\tsubs r3, r3, #1\n\tstr r3, [%[p], %[channels]]\n\tbne 0b\n\t"
#define DEPTHWISE_3X3_LOAD_OUTSIDE(x) "ldrd " x ", lr, [%[p], %[outside]]\n\t"
#define DEPTHWISE_3X3_READ(x)                                                                                          \
    "ldrsb " x ", [r0]\n\tldrsb r3, [r0, r1]\n\tpkhbt " x ", " x ", r3, lsl #16\n\t"                                   \
    "ldrd r3, lr, [%[p], %[bias]]\n\tldrsb lr, [r0, lr]\n\tadd r0, r0, r9, lsr #16\n\t"
#define DEPTHWISE_3X3_FIRST(x) "smlad " x ", " x ", r4, r3\n\tsmlabb " x ", lr, r8, " x "\n\t"
#define DEPTHWISE_3X3_SECOND(x, sum) "smlad " sum ", " x ", r5, " sum "\n\tsmlabt " sum ", lr, r8, " sum "\n\t"
#define DEPTHWISE_3X3_THIRD(x, sum) "smlad " sum ", " x ", r6, " sum "\n\tsmlabb " sum ", lr, r9, " sum "\n\t"
#define DEPTHWISE_3X3_FINISH(sum)                                                                                      \
    "ldrd r3, lr, [%[p], %[multiplier]]\n\tsmmla " sum ", " sum ", r3, lr\n\tssat " sum ", #8, " sum ", asr #10\n\t"
#define DEPTHWISE_3X3_WRITE(sum)                                                                                       \
    DEPTHWISE_3X3_FINISH(sum) "ldr r3, [%[p], %[ahead]]\n\tstrb " sum ", [r0, r3]\n\t"
#define DEPTHWISE_3X3_STEP(a, b, c)                                                                                    \
    DEPTHWISE_3X3_READ(c) DEPTHWISE_3X3_THIRD(c, a) DEPTHWISE_3X3_SECOND(c, b) DEPTHWISE_3X3_FIRST(c) DEPTHWISE_3X3_WRITE(a)
#define DEPTHWISE_3X3_TWO_STEPS(sum, next)                                                                             \
    DEPTHWISE_3X3_READ(next) DEPTHWISE_3X3_SECOND(next, sum) DEPTHWISE_3X3_READ(next) DEPTHWISE_3X3_THIRD(next, sum)   \
    DEPTHWISE_3X3_FIRST(next) DEPTHWISE_3X3_FINISH(sum) "strb " sum ", [r12]\n\tadd r12, r12, r9, lsr #16\n\t"
#define DEPTHWISE_3X3_MEMBER(name) [name] "i"(__builtin_offsetof(struct depthwise_3x3_row, name))
#define DEPTHWISE_3X3_OPERANDS                                                                                         \
    [p] "r"(p), DEPTHWISE_3X3_MEMBER(words), DEPTHWISE_3X3_MEMBER(in), DEPTHWISE_3X3_MEMBER(end),                      \
        DEPTHWISE_3X3_MEMBER(out), DEPTHWISE_3X3_MEMBER(second), DEPTHWISE_3X3_MEMBER(outside),                        \
        DEPTHWISE_3X3_MEMBER(left), DEPTHWISE_3X3_MEMBER(right), DEPTHWISE_3X3_MEMBER(rest),                           \
        DEPTHWISE_3X3_MEMBER(bias), DEPTHWISE_3X3_MEMBER(multiplier), DEPTHWISE_3X3_MEMBER(ahead),                       \
        DEPTHWISE_3X3_MEMBER(channels)
#define DEPTHWISE_3X3_REGISTERS "r0", "r1", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory"

static void depthwise_3x3_stride_1(struct depthwise_3x3_row *p)
{
    __asm__ volatile(
        DEPTHWISE_3X3_LOAD
        "ldr r3, [%[p], %[left]]\n\tcmp r3, #0\n\tbeq 1f\n\t"
        "mov r3, r10\n\t" DEPTHWISE_3X3_LOAD_OUTSIDE("r10") "b 2f\n\t"
        "1:\n\t" DEPTHWISE_3X3_READ("r10")
        "2: sub r12, r12, r0\n\tsub r12, r12, r9, lsr #16\n\tsub r12, r12, r9, lsr #16\n\tstr r12, [%[p], %[ahead]]\n\t"
        DEPTHWISE_3X3_FIRST("r10") DEPTHWISE_3X3_READ("r11") DEPTHWISE_3X3_SECOND("r11", "r10") DEPTHWISE_3X3_FIRST("r11")
        "ldr r3, [%[p], %[rest]]\n\tcmp r3, #1\n\tbne 3f\n\tmov r12, r10\n\tmov r10, r11\n\tb 7f\n\t"
        "3: blt 4f\n\tmov r12, r11\n\tmov r11, r10\n\tb 6f\n\t"
        "4: ldr r3, [%[p], %[end]]\n\tcmp r0, r3\n\tbeq 8f\n\t"
        "5:\n\t" DEPTHWISE_3X3_STEP("r10", "r11", "r12")
        "6:\n\t" DEPTHWISE_3X3_STEP("r11", "r12", "r10")
        "7:\n\t" DEPTHWISE_3X3_STEP("r12", "r10", "r11")
        "ldr r3, [%[p], %[end]]\n\tcmp r0, r3\n\tbne 5b\n\t"
        "8: ldr r3, [%[p], %[right]]\n\tcmp r3, #0\n\tbeq 9f\n\t"
        DEPTHWISE_3X3_LOAD_OUTSIDE("r12") "add r0, r0, r9, lsr #16\n\t"
        DEPTHWISE_3X3_THIRD("r12", "r10") DEPTHWISE_3X3_WRITE("r10")
        "9:\n\t" DEPTHWISE_3X3_NEXT
        :
        : DEPTHWISE_3X3_OPERANDS
        : DEPTHWISE_3X3_REGISTERS);
}

/* The third column of a window is the first of the next. */
static void depthwise_3x3_stride_2(struct depthwise_3x3_row *p)
{
    __asm__ volatile(
        DEPTHWISE_3X3_LOAD
        "ldr r3, [%[p], %[left]]\n\tcmp r3, #0\n\tbeq 1f\n\t"
        "mov r3, r10\n\t" DEPTHWISE_3X3_LOAD_OUTSIDE("r10") "b 2f\n\t"
        "1:\n\t" DEPTHWISE_3X3_READ("r10")
        "2:\n\t" DEPTHWISE_3X3_FIRST("r10")
        "3: ldr r3, [%[p], %[end]]\n\tcmp r0, r3\n\tbeq 4f\n\t" DEPTHWISE_3X3_TWO_STEPS("r10", "r11")
        "ldr r3, [%[p], %[end]]\n\tcmp r0, r3\n\tit eq\n\tmoveq r10, r11\n\tbeq 4f\n\t" DEPTHWISE_3X3_TWO_STEPS("r11", "r10")
        "b 3b\n\t"
        "4: ldr r3, [%[p], %[right]]\n\tcmp r3, #0\n\tbeq 5f\n\t"
        DEPTHWISE_3X3_READ("r11") DEPTHWISE_3X3_SECOND("r11", "r10")
        DEPTHWISE_3X3_LOAD_OUTSIDE("r11") DEPTHWISE_3X3_THIRD("r11", "r10")
        DEPTHWISE_3X3_FINISH("r10") "strb r10, [r12]\n\t"
        "5:\n\t" DEPTHWISE_3X3_NEXT
        :
        : DEPTHWISE_3X3_OPERANDS
        : DEPTHWISE_3X3_REGISTERS);
}
#else
/* A column of the input: rows 0 and 1, row 2. */
struct depthwise_3x3_column {
    uint32_t pair, third;
};

static inline struct depthwise_3x3_column depthwise_3x3_read(const struct depthwise_3x3_row *p, const int8_t **in)
{
    const struct depthwise_3x3_column x = {tinykd_pack((*in)[0], (*in)[p->second]), (uint32_t)(*in)[p->third]};
    *in += p->step;
    return x;
}

static inline int8_t *depthwise_3x3_write(const struct depthwise_3x3_filter *f, int32_t sum, int8_t *out, int32_t step)
{
    *out = (int8_t)tinykd_finish_fixed_relu_s8(sum, f->multiplier, f->offset);
    return out + step;
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

static void depthwise_3x3_row_1(const struct depthwise_3x3_row *p)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(p->words);
    const struct depthwise_3x3_column outside = {p->outside[0], p->outside[1]};
    struct depthwise_3x3_column x = outside;
    const int8_t *in = p->in;
    int8_t *out = p->out;
    int32_t a, b;

    if (p->left == 0) {
        x = depthwise_3x3_read(p, &in);
    }
    a = depthwise_3x3_first(&f, x);
    x = depthwise_3x3_read(p, &in);
    a = depthwise_3x3_second(&f, x, a);
    b = depthwise_3x3_first(&f, x);
    while (in != p->end) {
        x = depthwise_3x3_read(p, &in);
        out = depthwise_3x3_write(&f, depthwise_3x3_third(&f, x, a), out, p->step);
        a = depthwise_3x3_second(&f, x, b);
        b = depthwise_3x3_first(&f, x);
    }
    if (p->right != 0) {
        depthwise_3x3_write(&f, depthwise_3x3_third(&f, outside, a), out, p->step);
    }
}

/* The third column of a window is the first of the next. */
static void depthwise_3x3_row_2(const struct depthwise_3x3_row *p)
{
    const struct depthwise_3x3_filter f = depthwise_3x3_load(p->words);
    const struct depthwise_3x3_column outside = {p->outside[0], p->outside[1]};
    struct depthwise_3x3_column x = outside;
    const int8_t *in = p->in;
    int8_t *out = p->out;
    int32_t sum;

    if (p->left == 0) {
        x = depthwise_3x3_read(p, &in);
    }
    sum = depthwise_3x3_first(&f, x);
    while (in != p->end) {
        x = depthwise_3x3_read(p, &in);
        sum = depthwise_3x3_second(&f, x, sum);
        x = depthwise_3x3_read(p, &in);
        out = depthwise_3x3_write(&f, depthwise_3x3_third(&f, x, sum), out, p->step);
        sum = depthwise_3x3_first(&f, x);
    }
    if (p->right != 0) {
        x = depthwise_3x3_read(p, &in);
        sum = depthwise_3x3_second(&f, x, sum);
        depthwise_3x3_write(&f, depthwise_3x3_third(&f, outside, sum), out, p->step);
    }
}

static void depthwise_3x3_next(struct depthwise_3x3_row *p)
{
    p->words += TINYKD_DEPTHWISE_3X3_WORDS;
    ++p->in;
    ++p->end;
    ++p->out;
}

static void depthwise_3x3_stride_1(struct depthwise_3x3_row *p)
{
    for (; p->channels > 0; --p->channels, depthwise_3x3_next(p)) {
        depthwise_3x3_row_1(p);
    }
}

static void depthwise_3x3_stride_2(struct depthwise_3x3_row *p)
{
    for (; p->channels > 0; --p->channels, depthwise_3x3_next(p)) {
        depthwise_3x3_row_2(p);
    }
}
#endif

static void depthwise_3x3_channels(struct depthwise_3x3_row *p, int32_t stride)
{
    if (stride == 1) {
        depthwise_3x3_stride_1(p);
    } else {
        depthwise_3x3_stride_2(p);
    }
}

void tinykd_depthwise_3x3_dsp_s8(const struct tinykd_depthwise_3x3 *p, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->channels, in_row = p->in_width * channels, out_row = p->out_width * channels;
    const int32_t stride = p->stride_width, needed = (p->out_width - 1) * stride + 3 - p->pad_left; /* columns from the first inside on */
    const int32_t right = needed > p->in_width ? 1 : 0;
    struct depthwise_3x3_row row;
    int8_t *out = output;

    row.second = in_row;
    row.outside[0] = tinykd_pack(p->input_zero_point, p->input_zero_point);
    row.outside[1] = (uint32_t)p->input_zero_point;
    row.left = p->pad_left;
    row.right = right;
    row.rest = (needed - right - 2 + p->pad_left) % 3;
    row.step = channels;
    for (int32_t y = 0; y < p->out_height; ++y, out += out_row) {
        const int32_t top = y * p->stride_height - p->pad_top;

        row.in = input + (top < 0 ? 0 : top) * in_row;
        row.end = row.in + (needed - right * stride) * channels;
        row.out = out;
        if (top >= 0 && top + 3 <= p->in_height) {
            row.third = 2 * in_row;
            row.words = p->filters;
            row.channels = channels;
            depthwise_3x3_channels(&row, stride);
            continue;
        }
        row.third = in_row; /* any row that is there */
        for (int32_t c = 0; c < channels; ++c) {
            int32_t cut[TINYKD_DEPTHWISE_3X3_WORDS];

            depthwise_3x3_cut(p->filters + c * TINYKD_DEPTHWISE_3X3_WORDS, top, p->input_zero_point, cut);
            row.words = cut;
            row.channels = 1;
            depthwise_3x3_channels(&row, stride);
        }
    }
    tinykd_clamp_bytes(output, p->out_height * out_row, p->clamp_low, p->clamp_high);
}
