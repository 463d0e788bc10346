/* SPDX-License-Identifier: Apache-2.0
 * ARG_MAX, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/arg_extremum.h"

static int32_t largest(const struct tinykd_arg_extremum *p, const int8_t *input)
{
    int32_t found = 0;

    for (int32_t k = 1; k < p->size; ++k) {
        if (input[k * p->inner] > input[found * p->inner]) {
            found = k;
        }
    }
    return found;
}

void tinykd_arg_max_s32(const struct tinykd_arg_extremum *p, const int8_t *input, int32_t *output)
{
    for (int32_t o = 0; o < p->outer; ++o, input += p->size * p->inner) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *output++ = largest(p, input + i);
        }
    }
}

void tinykd_arg_max_s64(const struct tinykd_arg_extremum *p, const int8_t *input, int64_t *output)
{
    for (int32_t o = 0; o < p->outer; ++o, input += p->size * p->inner) {
        for (int32_t i = 0; i < p->inner; ++i) {
            *output++ = largest(p, input + i);
        }
    }
}
