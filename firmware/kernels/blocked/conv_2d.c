/* SPDX-License-Identifier: Apache-2.0
 * CONV_2D for cores without SIMD: one group, one image; two pixels by four filters at a time.
 *
 * The zero point of the input is part of the biases, so nothing is subtracted in the loop. A window that the image holds
 * whole is read where it lies, kernel row by kernel row; one that reaches over an edge is first gathered, with the zero
 * point outside. */
#include "tinykd/blocked.h"
#include "tinykd/convolution.h"

/* Windows of a pixel and of its right neighbour, `apart` bytes further: `count` runs of `bytes` bytes, `step` bytes from run to run. */
struct conv_2d_blocked_window {
    const int8_t *input;
    int32_t apart, count, bytes, step;
};

static struct tinykd_blocked_finish conv_2d_blocked_finish(const struct tinykd_conv_2d_short *p)
{
    return tinykd_blocked_finish_of(p->finish, p->out_channels, p->z, p->clamp_low, p->clamp_high);
}

TINYKD_NOINLINE static void conv_2d_blocked_two(const struct tinykd_conv_2d_short *p, const struct tinykd_blocked_finish *finish,
                                                const struct conv_2d_blocked_window *at, int8_t *output)
{
    const int32_t channels = p->out_channels, *bias = p->finish;
    const int8_t *w = p->weights;
    int32_t sums[2 * TINYKD_BLOCKED_CHANNELS];

    for (int32_t c = 0; c < channels; c += TINYKD_BLOCKED_CHANNELS) {
        const int32_t count = channels - c < TINYKD_BLOCKED_CHANNELS ? channels - c : TINYKD_BLOCKED_CHANNELS;

        for (int32_t *s = sums; s < sums + count; s += 4, bias += 4) {
            const int8_t *a = at->input;

            w = tinykd_blocked_2x4(s, bias, bias, a, at->apart, w, at->bytes);
            for (int32_t i = at->count; i > 1; --i) {
                a += at->step;
                w = tinykd_blocked_2x4(s, s, s + TINYKD_BLOCKED_CHANNELS, a, at->apart, w, at->bytes);
            }
        }
        tinykd_blocked_store_2(finish, sums, c, count, output + c, channels);
    }
}

TINYKD_NOINLINE static void conv_2d_blocked_one(const struct tinykd_conv_2d_short *p, const struct tinykd_blocked_finish *finish,
                                                const struct conv_2d_blocked_window *at, int8_t *output)
{
    const int32_t channels = p->out_channels;
    const int8_t *w = p->weights;
    int32_t sums[TINYKD_BLOCKED_CHANNELS] = {0};

    for (int32_t c = 0; c < channels; c += TINYKD_BLOCKED_CHANNELS) {
        const int32_t count = tinykd_blocked_begin(p->finish + c, channels - c, sums);

        for (int32_t *s = sums; s < sums + count; s += 4) {
            const int8_t *a = at->input;

            for (int32_t i = at->count; i > 0; --i, a += at->step) {
                w = tinykd_blocked_1x4(s, a, w, at->bytes);
            }
        }
        tinykd_blocked_store_1(finish, sums, c, count, output + c);
    }
}

static void conv_2d_blocked(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t run = p->kernel_width * p->in_channels, bytes = p->kernel_height * run;
    const struct tinykd_blocked_finish finish = conv_2d_blocked_finish(p);
    const struct tinykd_blocked_image image = {p->in_height,     p->in_width,        p->in_channels,    p->kernel_height,
                                               p->kernel_width, p->dilation_height, p->dilation_width, p->input_zero_point};
    const int32_t step = p->dilation_height * p->in_width * p->in_channels;
    const int32_t reach = (p->kernel_height - 1) * p->dilation_height, width = (p->kernel_width - 1) * p->dilation_width;

    /* to begin a run costs as much as to gather two bytes and more, for each of the filters */
    const int direct = scratch == 0 || (p->dilation_width == 1 && 3 * p->out_channels * (p->kernel_height - 1) <= 2 * bytes);

    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const int inside = direct && top >= 0 && top + reach < p->in_height;

        for (int32_t x = 0; x < p->out_width;) {
            const int32_t left = x * p->stride_width - p->pad_left, pixels = x + 1 < p->out_width ? 2 : 1;
            const int32_t right = left + width + (pixels - 1) * p->stride_width;
            struct conv_2d_blocked_window window;

            if (inside && left >= 0 && right < p->in_width) {
                window.input = input + (top * p->in_width + left) * p->in_channels;
                window.apart = p->stride_width * p->in_channels;
                window.count = p->kernel_height;
                window.bytes = run;
                window.step = step;
            } else {
                tinykd_blocked_gather(&image, input, top, left, scratch);
                if (pixels == 2) {
                    tinykd_blocked_gather(&image, input, top, left + p->stride_width, scratch + bytes);
                }
                window.input = scratch;
                window.apart = bytes;
                window.count = 1;
                window.bytes = bytes;
                window.step = 0;
            }
            if (pixels == 2) {
                conv_2d_blocked_two(p, &finish, &window, output);
            } else {
                conv_2d_blocked_one(p, &finish, &window, output);
            }
            x += pixels;
            output += pixels * p->out_channels;
        }
    }
}

void tinykd_conv_2d_blocked_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output)
{
    conv_2d_blocked(p, input, output, 0);
}

void tinykd_conv_2d_gather_blocked_s8(const struct tinykd_conv_2d_short *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    conv_2d_blocked(p, input, output, scratch);
}
