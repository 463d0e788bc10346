/* SPDX-License-Identifier: Apache-2.0
 * One axis of a sliding window, clipped to the input. */
#ifndef TINYKD_WINDOW_H
#define TINYKD_WINDOW_H

#include <stdint.h>

/* Taps [first, end) of a kernel that starts at `origin` (may be negative) fall inside an input of `size`. */
struct tinykd_taps {
    int32_t first, end;
};

static inline struct tinykd_taps tinykd_taps_inside(int32_t origin, int32_t size, int32_t kernel, int32_t dilation)
{
    struct tinykd_taps taps = {0, kernel};
    while (taps.first < kernel && origin + taps.first * dilation < 0) {
        ++taps.first;
    }
    while (taps.end > taps.first && origin + (taps.end - 1) * dilation >= size) {
        --taps.end;
    }
    return taps;
}

#endif
