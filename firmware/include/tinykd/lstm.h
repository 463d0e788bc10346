/* SPDX-License-Identifier: Apache-2.0
 * UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and int16 cells. */
#ifndef TINYKD_LSTM_H
#define TINYKD_LSTM_H

#include <stdint.h>

/* Gates are in the order input, forget, cell, output; before their functions they are in Q3.
 *   gate = saturate(requantize(input_bias + input_weights x) + requantize(recurrent_bias + recurrent_weights hidden))
 *   cell = forget * cell + input * tanh(gate), hidden = requantize(output * tanh(cell)) + hidden_zero_point */
struct tinykd_lstm {
    int32_t batches, steps;
    int32_t batch_stride, step_stride; /* input and output vector of step t, batch b: b * batch_stride + t * step_stride */
    int32_t inputs, cells;
    const int8_t *input_weights;     /* [4, cells, inputs] */
    const int8_t *recurrent_weights; /* [4, cells, cells] */
    const int32_t *input_bias;       /* [4, cells], with the zero point of the input folded in */
    const int32_t *recurrent_bias;   /* [4, cells], with the zero point of the hidden state folded in */
    const int32_t *scales;           /* [4, 4]: multiplier and shift of the input's and of the recurrent product */
    int32_t cell_integer_bits;       /* the cell state is in Q(cell_integer_bits), at most 6 */
    int32_t cell_clip;               /* largest magnitude of a cell, 32768 for none */
    int32_t hidden_multiplier, hidden_shift, hidden_zero_point;
};

/* hidden [batches, cells] and cell [batches, cells] are read and overwritten; output [.., cells] is every hidden state. */
void tinykd_lstm_s8(const struct tinykd_lstm *p, const int8_t *input, int8_t *hidden, int16_t *cell, int8_t *output);

#endif
