/* SPDX-License-Identifier: Apache-2.0
 * DEPTHWISE_CONV_2D for cores without SIMD: multiplier 1, one image; two neighbours in a row share each weight of a channel.
 *
 * The zero point of the input is part of the biases. Pixels whose windows lie inside the image are read where they lie; the
 * window of another one is first gathered, with the zero point outside. */
#include "tinykd/blocked.h"
#include "tinykd/depthwise_convolution.h"

/* The taps of a channel: how many, and the bytes from kernel row to kernel row and from tap to tap. */
struct depthwise_blocked_steps {
    int32_t height, width, row, tap;
};

static struct tinykd_blocked_finish depthwise_blocked_finish(const struct tinykd_depthwise_conv_2d_blocked *p)
{
    return tinykd_blocked_finish_of(p->finish, p->channels, p->z, p->clamp_low, p->clamp_high);
}

/* Adds products to the sums of `count` channels of two pixels, `apart` bytes from one to the other; returns where their weights end. */
TINYKD_NOINLINE static const int8_t *depthwise_blocked_sums_2(const struct depthwise_blocked_steps *step, const int8_t *x, int32_t apart,
                                                              const int8_t *w, int32_t count, int32_t *sums)
{
    const int8_t *y = x + apart;

    for (const int32_t *const end = sums + count; sums != end; ++sums, ++x, ++y) {
        int32_t s = sums[0], t = s;

        for (int32_t i = 0; i < step->height * step->row; i += step->row) {
            for (int32_t j = i; j < i + step->width * step->tap; j += step->tap) {
                const int32_t v = *w++;

                s += x[j] * v;
                t += y[j] * v;
            }
        }
        sums[0] = s;
        sums[TINYKD_BLOCKED_CHANNELS] = t;
    }
    return w;
}

#define DEPTHWISE_BLOCKED_TAP(k, at)                                                                                   \
    do {                                                                                                               \
        const int32_t v = w[k];                                                                                        \
        s += x[at] * v;                                                                                                \
        t += y[at] * v;                                                                                                \
    } while (0)

/* The same for 3x3 taps. */
TINYKD_NOINLINE static const int8_t *depthwise_blocked_sums_3x3_2(const struct depthwise_blocked_steps *step, const int8_t *x, int32_t apart,
                                                                  const int8_t *w, int32_t count, int32_t *sums)
{
    const int32_t row = step->row, tap = step->tap, two = 2 * tap;
    const int8_t *y = x + apart;

    for (const int32_t *const end = sums + count; sums != end; ++sums, x += 1 - 2 * row, y += 1 - 2 * row, w += 9) {
        int32_t s = sums[0], t = s;

        DEPTHWISE_BLOCKED_TAP(0, 0);
        DEPTHWISE_BLOCKED_TAP(1, tap);
        DEPTHWISE_BLOCKED_TAP(2, two);
        x += row;
        y += row;
        DEPTHWISE_BLOCKED_TAP(3, 0);
        DEPTHWISE_BLOCKED_TAP(4, tap);
        DEPTHWISE_BLOCKED_TAP(5, two);
        x += row;
        y += row;
        DEPTHWISE_BLOCKED_TAP(6, 0);
        DEPTHWISE_BLOCKED_TAP(7, tap);
        DEPTHWISE_BLOCKED_TAP(8, two);
        sums[0] = s;
        sums[TINYKD_BLOCKED_CHANNELS] = t;
    }
    return w;
}

/* One pixel. */
TINYKD_NOINLINE static const int8_t *depthwise_blocked_sums_1(const struct depthwise_blocked_steps *step, const int8_t *x, const int8_t *w,
                                                              int32_t count, int32_t *sums)
{
    for (const int32_t *const end = sums + count; sums != end; ++sums, ++x) {
        int32_t s = *sums;

        for (int32_t i = 0; i < step->height * step->row; i += step->row) {
            for (int32_t j = i; j < i + step->width * step->tap; j += step->tap) {
                s += x[j] * *w++;
            }
        }
        *sums = s;
    }
    return w;
}

/* The same for 3x3 taps. */
TINYKD_NOINLINE static const int8_t *depthwise_blocked_sums_3x3_1(const struct depthwise_blocked_steps *step, const int8_t *x,
                                                                  const int8_t *w, int32_t count, int32_t *sums)
{
    const int32_t row = step->row, tap = step->tap, two = 2 * tap;

    for (const int32_t *const end = sums + count; sums != end; ++sums, x += 1 - 2 * row, w += 9) {
        int32_t s = *sums + x[0] * w[0] + x[tap] * w[1] + x[two] * w[2];

        x += row;
        s += x[0] * w[3] + x[tap] * w[4] + x[two] * w[5];
        x += row;
        *sums = s + x[0] * w[6] + x[tap] * w[7] + x[two] * w[8];
    }
    return w;
}

/* Two pixels, all channels. */
TINYKD_NOINLINE static void depthwise_blocked_two(const struct tinykd_depthwise_conv_2d_blocked *p, const struct tinykd_blocked_finish *finish,
                                                  const struct depthwise_blocked_steps *step, const int8_t *input, int32_t apart,
                                                  int8_t *output)
{
    const int32_t channels = p->channels;
    const int8_t *w = p->weights;
    int32_t sums[2 * TINYKD_BLOCKED_CHANNELS];

    for (int32_t c = 0; c < channels; c += TINYKD_BLOCKED_CHANNELS) {
        const int32_t count = tinykd_blocked_begin(p->finish + c, channels - c, sums);

        if (!TINYKD_SMALL && step->height == 3 && step->width == 3) {
            w = depthwise_blocked_sums_3x3_2(step, input + c, apart, w, count, sums);
        } else {
            w = depthwise_blocked_sums_2(step, input + c, apart, w, count, sums);
        }
        tinykd_blocked_store_2(finish, sums, c, count, output + c, channels);
    }
}

/* One pixel, all channels. */
TINYKD_NOINLINE static void depthwise_blocked_one(const struct tinykd_depthwise_conv_2d_blocked *p, const struct tinykd_blocked_finish *finish,
                                                  const struct depthwise_blocked_steps *step, const int8_t *input, int8_t *output)
{
    const int32_t channels = p->channels;
    const int8_t *w = p->weights;
    int32_t sums[TINYKD_BLOCKED_CHANNELS];

    for (int32_t c = 0; c < channels; c += TINYKD_BLOCKED_CHANNELS) {
        const int32_t count = tinykd_blocked_begin(p->finish + c, channels - c, sums);

        if (!TINYKD_SMALL && step->height == 3 && step->width == 3) {
            w = depthwise_blocked_sums_3x3_1(step, input + c, w, count, sums);
        } else {
            w = depthwise_blocked_sums_1(step, input + c, w, count, sums);
        }
        tinykd_blocked_store_1(finish, sums, c, count, output + c);
    }
}

void tinykd_depthwise_conv_2d_blocked_s8(const struct tinykd_depthwise_conv_2d_blocked *p, const int8_t *input, int8_t *output, int8_t *scratch)
{
    const int32_t channels = p->channels, in_row = p->in_width * channels;
    const struct depthwise_blocked_steps inside = {p->kernel_height, p->kernel_width, p->dilation_height * in_row, p->dilation_width * channels};
    const struct depthwise_blocked_steps gathered = {p->kernel_height, p->kernel_width, p->kernel_width * channels, channels};
    const int32_t reach = (p->kernel_height - 1) * p->dilation_height, width = (p->kernel_width - 1) * p->dilation_width;
    const struct tinykd_blocked_image image = {p->in_height,     p->in_width,        channels,          p->kernel_height,
                                               p->kernel_width, p->dilation_height, p->dilation_width, p->input_zero_point};
    const struct tinykd_blocked_finish finish = depthwise_blocked_finish(p);

    for (int32_t y = 0; y < p->out_height; ++y) {
        const int32_t top = y * p->stride_height - p->pad_top;
        const int whole = top >= 0 && top + reach < p->in_height;

        for (int32_t x = 0; x < p->out_width;) {
            const int32_t left = x * p->stride_width - p->pad_left, pixels = x + 1 < p->out_width ? 2 : 1;
            const struct depthwise_blocked_steps *step = &inside;
            const int8_t *at = input + top * in_row + left * channels;
            int32_t apart = p->stride_width * channels;

            if (!whole || left < 0 || left + width + (pixels - 1) * p->stride_width >= p->in_width) {
                step = &gathered;
                at = scratch;
                apart = p->kernel_height * p->kernel_width * channels;
                tinykd_blocked_gather(&image, input, top, left, scratch);
                if (pixels == 2) {
                    tinykd_blocked_gather(&image, input, top, left + p->stride_width, scratch + apart);
                }
            }
            if (pixels == 2) {
                depthwise_blocked_two(p, &finish, step, at, apart, output);
            } else {
                depthwise_blocked_one(p, &finish, step, at, output);
            }
            x += pixels;
            output += pixels * channels;
        }
    }
}
