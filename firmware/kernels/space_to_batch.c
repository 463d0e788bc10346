/* SPDX-License-Identifier: Apache-2.0
 * SPACE_TO_BATCH_ND, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/space_batch.h"

/* One phase of one image; returns the end of the output. */
static uint8_t *write_phase(const struct tinykd_space_batch *p, const uint8_t *image, int32_t top, int32_t left,
                            uint8_t *output)
{
    for (int32_t y = top; y < top + p->small_height * p->block_height; y += p->block_height) {
        for (int32_t x = left; x < left + p->small_width * p->block_width; x += p->block_width) {
            if (y >= 0 && y < p->height && x >= 0 && x < p->width) {
                memcpy(output, image + (y * p->width + x) * p->channels, (uint32_t)p->channels);
            } else {
                memset(output, (int)p->value, (uint32_t)p->channels);
            }
            output += p->channels;
        }
    }
    return output;
}

void tinykd_space_to_batch(const struct tinykd_space_batch *p, const void *input, void *output)
{
    const uint8_t *in = (const uint8_t *)input;
    uint8_t *out = (uint8_t *)output;

    for (int32_t i = 0; i < p->block_height; ++i) {
        for (int32_t j = 0; j < p->block_width; ++j) {
            for (int32_t b = 0; b < p->batch; ++b) {
                const uint8_t *image = in + b * p->height * p->width * p->channels;
                out = write_phase(p, image, i - p->pad_top, j - p->pad_left, out);
            }
        }
    }
}
