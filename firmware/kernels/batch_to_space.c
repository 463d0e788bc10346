/* SPDX-License-Identifier: Apache-2.0
 * BATCH_TO_SPACE_ND, portable C99: the specification that every faster kernel must equal. */
#include <string.h>

#include "tinykd/space_batch.h"

void tinykd_batch_to_space(const struct tinykd_space_batch *p, const void *input, void *output)
{
    const int32_t image = p->small_height * p->small_width * p->channels;
    const uint8_t *in = (const uint8_t *)input;
    uint8_t *out = (uint8_t *)output;

    for (int32_t b = 0; b < p->batch; ++b) {
        for (int32_t y = p->pad_top; y < p->pad_top + p->height; ++y) {
            for (int32_t x = p->pad_left; x < p->pad_left + p->width; ++x) {
                const int32_t phase = y % p->block_height * p->block_width + x % p->block_width;
                const int32_t pixel = y / p->block_height * p->small_width + x / p->block_width;

                memcpy(out, in + (phase * p->batch + b) * image + pixel * p->channels, (uint32_t)p->channels);
                out += p->channels;
            }
        }
    }
}
