/* SPDX-License-Identifier: Apache-2.0
 * EQUAL, NOT_EQUAL, LESS and LESS_EQUAL, portable C99: the specification that every faster kernel must equal.
 * GREATER and GREATER_EQUAL are LESS and LESS_EQUAL of swapped operands. */
#include "tinykd/comparison.h"

#include "tinykd/requantize.h"

typedef uint8_t (*relation)(int32_t a, int32_t b);

static void compare(const struct tinykd_comparison *p, relation holds, const int8_t *a, const int8_t *b, uint8_t *output)
{
    for (int32_t i = 0; i < p->size_0; ++i) {
        for (int32_t j = 0; j < p->size_1; ++j) {
            for (int32_t k = 0; k < p->size_2; ++k) {
                const int8_t *x = a + i * p->a_step_0 + j * p->a_step_1 + k * p->a_step_2;
                const int8_t *y = b + i * p->b_step_0 + j * p->b_step_1 + k * p->b_step_2;
                for (int32_t l = 0; l < p->size_3; ++l, x += p->a_step_3, y += p->b_step_3, ++output) {
                    *output = holds(tinykd_requantize((*x - p->a_zero_point) * 256, p->a_multiplier, p->a_shift),
                                    tinykd_requantize((*y - p->b_zero_point) * 256, p->b_multiplier, p->b_shift));
                }
            }
        }
    }
}

static uint8_t equal(int32_t a, int32_t b)
{
    return a == b ? 1u : 0u;
}

static uint8_t not_equal(int32_t a, int32_t b)
{
    return a != b ? 1u : 0u;
}

static uint8_t less(int32_t a, int32_t b)
{
    return a < b ? 1u : 0u;
}

static uint8_t less_equal(int32_t a, int32_t b)
{
    return a <= b ? 1u : 0u;
}

void tinykd_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output)
{
    compare(p, equal, a, b, output);
}

void tinykd_not_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output)
{
    compare(p, not_equal, a, b, output);
}

void tinykd_less_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output)
{
    compare(p, less, a, b, output);
}

void tinykd_less_equal_s8(const struct tinykd_comparison *p, const int8_t *a, const int8_t *b, uint8_t *output)
{
    compare(p, less_equal, a, b, output);
}
