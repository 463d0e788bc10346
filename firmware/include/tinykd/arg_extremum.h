/* SPDX-License-Identifier: Apache-2.0
 * Index of the first largest or smallest value along the middle axis of [outer, size, inner] int8. */
#ifndef TINYKD_ARG_EXTREMUM_H
#define TINYKD_ARG_EXTREMUM_H

#include <stdint.h>

struct tinykd_arg_extremum {
    int32_t outer, size, inner;
};

/* Output [outer, inner]. */
void tinykd_arg_max_s32(const struct tinykd_arg_extremum *p, const int8_t *input, int32_t *output);
void tinykd_arg_max_s64(const struct tinykd_arg_extremum *p, const int8_t *input, int64_t *output);
void tinykd_arg_min_s32(const struct tinykd_arg_extremum *p, const int8_t *input, int32_t *output);
void tinykd_arg_min_s64(const struct tinykd_arg_extremum *p, const int8_t *input, int64_t *output);

#endif
