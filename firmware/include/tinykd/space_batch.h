/* SPDX-License-Identifier: Apache-2.0
 * Pixels of one phase of a block as an image of the batch, and back, in bytes. */
#ifndef TINYKD_SPACE_BATCH_H
#define TINYKD_SPACE_BATCH_H

#include <stdint.h>

/* Pixel (y, x) of the full image [batch, height, width, channels] is pixel ((y + pad_top) / block_height,
 * (x + pad_left) / block_width) of the phase given by the remainders. Phases are [block_height, block_width, batch,
 * small_height, small_width, channels]. */
struct tinykd_space_batch {
    int32_t batch;
    int32_t height, width, channels;
    int32_t block_height, block_width;
    int32_t small_height, small_width;
    int32_t pad_top, pad_left;
    int32_t value; /* of pixels outside the full image, 0 to 255 */
};

void tinykd_space_to_batch(const struct tinykd_space_batch *p, const void *input, void *output);
void tinykd_batch_to_space(const struct tinykd_space_batch *p, const void *input, void *output);

#endif
