/* SPDX-License-Identifier: Apache-2.0
 * UNIDIRECTIONAL_SEQUENCE_LSTM, portable C99: the specification that every faster kernel must equal. */
#include "tinykd/lstm.h"

#include "tinykd/fixed_point_16.h"
#include "tinykd/requantize.h"

static int32_t dot(const int8_t *weights, const int8_t *x, int32_t count, int32_t sum)
{
    for (int32_t i = 0; i < count; ++i) {
        sum += weights[i] * x[i];
    }
    return sum;
}

/* One gate of cell c before its function. */
static int32_t gate_sum(const struct tinykd_lstm *p, int32_t gate, int32_t c, const int8_t *x, const int8_t *hidden)
{
    const int32_t row = gate * p->cells + c;
    const int32_t *scale = p->scales + 4 * gate;
    const int32_t driven = dot(p->input_weights + row * p->inputs, x, p->inputs, p->input_bias[row]);
    const int32_t recalled = dot(p->recurrent_weights + row * p->cells, hidden, p->cells, p->recurrent_bias[row]);
    const int32_t first = tinykd_saturate_16(tinykd_requantize(driven, scale[0], scale[1]));

    return tinykd_saturate_16(first + tinykd_requantize(recalled, scale[2], scale[3]));
}

static void step(const struct tinykd_lstm *p, const int8_t *x, const int8_t *hidden, int16_t *cell, int8_t *output)
{
    for (int32_t c = 0; c < p->cells; ++c) {
        const int32_t input_gate = tinykd_logistic_16(gate_sum(p, 0, c, x, hidden), 3);
        const int32_t forget_gate = tinykd_logistic_16(gate_sum(p, 1, c, x, hidden), 3);
        const int32_t cell_gate = tinykd_tanh_16(gate_sum(p, 2, c, x, hidden), 3);
        const int32_t output_gate = tinykd_logistic_16(gate_sum(p, 3, c, x, hidden), 3);
        const int32_t kept = tinykd_shift_right(forget_gate * cell[c], 15);
        const int32_t added = tinykd_shift_right(input_gate * cell_gate, 15 + p->cell_integer_bits);
        const int32_t updated = tinykd_clamp(tinykd_saturate_16(kept + added), -p->cell_clip, p->cell_clip);
        const int32_t squashed = output_gate * tinykd_tanh_16(updated, p->cell_integer_bits);
        const int32_t scaled = tinykd_requantize(squashed, p->hidden_multiplier, p->hidden_shift);

        cell[c] = (int16_t)updated;
        output[c] = (int8_t)tinykd_clamp(scaled + p->hidden_zero_point, -128, 127);
    }
}

void tinykd_lstm_s8(const struct tinykd_lstm *p, const int8_t *input, int8_t *hidden, int16_t *cell, int8_t *output)
{
    for (int32_t b = 0; b < p->batches; ++b, hidden += p->cells, cell += p->cells) {
        for (int32_t t = 0; t < p->steps; ++t) {
            const int32_t vector = b * p->batch_stride + t * p->step_stride;
            int8_t *out = output + vector * p->cells;

            step(p, input + vector * p->inputs, hidden, cell, out);
            for (int32_t c = 0; c < p->cells; ++c) {
                hidden[c] = out[c];
            }
        }
    }
}
