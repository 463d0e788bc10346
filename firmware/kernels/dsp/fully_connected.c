/* SPDX-License-Identifier: Apache-2.0
 * FULLY_CONNECTED for cores with DSP instructions.
 *
 * Two pairs of filters (tinykd/dot.h) share each unpacked word of input: 16 instructions for 16 products. */
#include "tinykd/dot.h"
#include "tinykd/finish.h"
#include "tinykd/fully_connected.h"

/* All sums of one row for channels c to c + 3; the last inputs of a depth that is not a multiple of 4 meet weights of 0. */
static inline struct tinykd_pairs fully_connected_dsp_sums(const struct tinykd_fully_connected_dsp *p, const int32_t starts[4],
                                                           const int8_t *input, const uint32_t **weights)
{
    struct tinykd_pairs s = {{starts[0], starts[1]}, {starts[2], starts[3]}};
    int8_t last[4] = {0, 0, 0, 0};

    if (p->depth >= 4) {
        *weights = tinykd_dot_pairs(&s, input, *weights, p->depth / 4);
    }
    if ((p->depth & 3) != 0) {
        for (int32_t d = p->depth & ~3; d < p->depth; ++d) {
            last[d & 3] = input[d];
        }
        *weights = tinykd_dot_pairs(&s, last, *weights, 1);
    }
    return s;
}

static void fully_connected_dsp_store(const struct tinykd_fully_connected_dsp *p, int32_t c, const int32_t bytes[4], int8_t *output)
{
    for (int32_t k = 0; k < 4 && c + k < p->channels; ++k) {
        output[c + k] = (int8_t)bytes[k];
    }
}

/* Of four channels: starts of their sums, multipliers, offsets, four bytes of s1. */
struct fully_connected_dsp_floors {
    int32_t starts[4], multipliers[4], offsets[4];
    uint8_t s1[4];
};

void tinykd_fully_connected_single_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        const struct fully_connected_dsp_floors *f = (const void *)p->finish;
        const uint32_t *weights = (const void *)p->weights;

        for (int32_t c = 0; c < p->channels; c += 4, ++f) {
            const struct tinykd_pairs s = fully_connected_dsp_sums(p, f->starts, input, &weights);
            const int32_t bytes[4] = {
                tinykd_finish_floor_s8(s.first.b, f->multipliers[0], f->s1[0], f->offsets[0]),
                tinykd_finish_floor_s8(tinykd_pair_difference(s.first) >> 8, f->multipliers[1], f->s1[1], f->offsets[1]),
                tinykd_finish_floor_s8(s.second.b, f->multipliers[2], f->s1[2], f->offsets[2]),
                tinykd_finish_floor_s8(tinykd_pair_difference(s.second) >> 8, f->multipliers[3], f->s1[3], f->offsets[3]),
            };
            fully_connected_dsp_store(p, c, bytes, output);
        }
        tinykd_clamp_bytes(output, p->channels, p->clamp_low, p->clamp_high);
    }
}

/* Of four channels: starts of their sums, multipliers, four bytes of s1. */
struct fully_connected_dsp_twice {
    int32_t starts[4], multipliers[4];
    uint8_t s1[4];
};

void tinykd_fully_connected_double_dsp_s8(const struct tinykd_fully_connected_dsp *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; ++row, input += p->depth, output += p->channels) {
        const struct fully_connected_dsp_twice *f = (const void *)p->finish;
        const uint32_t *weights = (const void *)p->weights;

        for (int32_t c = 0; c < p->channels; c += 4, ++f) {
            const struct tinykd_pairs s = fully_connected_dsp_sums(p, f->starts, input, &weights);
            const int32_t bytes[4] = {
                tinykd_finish_twice_s8(s.first.b, f->multipliers[0], f->s1[0], p->z),
                tinykd_finish_twice_s8(tinykd_pair_difference(s.first) >> 8, f->multipliers[1], f->s1[1], p->z),
                tinykd_finish_twice_s8(s.second.b, f->multipliers[2], f->s1[2], p->z),
                tinykd_finish_twice_s8(tinykd_pair_difference(s.second) >> 8, f->multipliers[3], f->s1[3], p->z),
            };
            fully_connected_dsp_store(p, c, bytes, output);
        }
        tinykd_clamp_bytes(output, p->channels, p->clamp_low, p->clamp_high);
    }
}
