"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 activations and weights, int16 cells and gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import fixed_point_16
from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize, rounding_shift_right
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling, stateful
from tinykd.compile.ops.activation import TANH
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

GATE_INTEGER_BITS = 3
"""Gates are in Q3.12 before their functions."""

GATES = ("input", "forget", "cell", "output")
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = 1, 5, 12
"""Positions of the first gate's tensors among the operator's inputs; the other gates' follow."""

_HIDDEN_STATE, _CELL_STATE = 18, 19
_HIDDEN_SCALE = 4
"""Position of the tensor that carries the hidden state's quantization among the operator's intermediates."""

_ABSENT = {
    9: "peepholes", 10: "peepholes", 11: "peepholes", 16: "a projection", 17: "a projection",
    20: "layer normalization", 21: "layer normalization", 22: "layer normalization", 23: "layer normalization",
}  # fmt: skip
"""Inputs of the variants that the kernel does not compute. Keras layers have none of them."""


@dataclass(frozen=True)
class LstmOptions:
    fused_activation: int = slot(0, "int8", 0)
    cell_clip: float = slot(1, "float32", 0.0)
    projection_clip: float = slot(2, "float32", 0.0)
    time_major: bool = slot(3, "bool", False)
    asymmetric_quantize_inputs: bool = slot(4, "bool", False)
    diagonal_recurrent_tensors: bool = slot(5, "bool", False)


@dataclass(frozen=True, eq=False)
class Lstm:
    """Integers of an LSTM. Gates are in the order of `GATES`.

    Attributes:
        batches, steps, inputs, cells: sizes.
        batch_stride, step_stride: distance in vectors between two batches and between two steps.
        input_weights, recurrent_weights: [4, cells, inputs] and [4, cells, cells].
        input_bias, recurrent_bias: [4, cells] with the zero points of input and hidden state folded in.
        scales: [4, 4] multiplier and shift of the input's product, then of the recurrent one.
        cell_integer_bits: the cell state is in Q(cell_integer_bits).
        cell_clip: largest magnitude of a cell; 32768 does not clip.
        hidden: multiplier, shift and zero point of output gate times tanh of the cell, from Q0 * Q0.
    """

    batches: int
    steps: int
    inputs: int
    cells: int
    batch_stride: int
    step_stride: int
    input_weights: Array
    recurrent_weights: Array
    input_bias: Array
    recurrent_bias: Array
    scales: Array
    cell_integer_bits: int
    cell_clip: int
    hidden: tuple[int, int, int]


def lower(graph: Graph, op: Op, rounding: Rounding) -> Lstm:
    """Source: LiteRT `PopulateQuantizedLstmParams8x8_16`: every effective scale is a float32."""
    if rounding == "double":
        raise UnsupportedModel(f"{graph.label(op)}: TFLite Micro computes an LSTM by other steps", "use --rounding single")
    requirements.counts(graph, op, (20, 24))
    _check_variant(graph, op)
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming = requirements.quantized(graph, op, source)
    requirements.quantized(graph, op, result)
    requirements.rank(graph, op, source, 3)
    hidden, cell = stateful.state(graph, op, _HIDDEN_STATE), stateful.state(graph, op, _CELL_STATE)
    hidden_quant, cell_quant = requirements.quantized(graph, op, hidden), requirements.quantized(graph, op, cell, ("int16",))
    first, second, inputs = source.shape
    batches, steps = (second, first) if op.options.time_major else (first, second)
    cells = requirements.present(graph, op, _INPUT_WEIGHTS + 3).shape[0]
    for tensor in (hidden, cell):
        if tensor.elements != batches * cells:
            raise UnsupportedModel(f"{graph.label(op)}: the state '{tensor.name}' has {tensor.elements} elements, not {batches * cells}")
    requirements.shaped(graph, op, result, (first, second, cells))
    gates = [_gate(graph, op, k, (cells, inputs), incoming, hidden_quant) for k in range(len(GATES))]
    exponent = math.log2(cell_quant.scale)
    if not exponent.is_integer() or not -15 <= exponent <= -9:
        raise UnsupportedModel(
            f"{graph.label(op)}: the cell state's scale {cell_quant.scale} is not a power of two from 2^-15 to 2^-9",
            "convert the model again",
        )
    return Lstm(
        batches=batches,
        steps=steps,
        inputs=inputs,
        cells=cells,
        batch_stride=1 if op.options.time_major else steps,
        step_stride=batches if op.options.time_major else 1,
        input_weights=np.stack([gate.input_weights for gate in gates]),
        recurrent_weights=np.stack([gate.recurrent_weights for gate in gates]),
        input_bias=np.stack([gate.input_bias for gate in gates]),
        recurrent_bias=np.stack([gate.recurrent_bias for gate in gates]),
        scales=np.array([gate.scales for gate in gates], np.int32),
        cell_integer_bits=15 + int(exponent),
        cell_clip=_cell_clip(graph, op, cell_quant),
        hidden=_hidden(graph, op),
    )


def _check_variant(graph: Graph, op: Op) -> None:
    for position, what in _ABSENT.items():
        if requirements.optional(graph, op, position) is not None:
            raise UnsupportedModel(f"{graph.label(op)} has {what}, the kernel computes the LSTM of Keras", "use keras.layers.LSTM")
    if requirements.optional(graph, op, _INPUT_WEIGHTS) is None:
        raise UnsupportedModel(f"{graph.label(op)} couples its input and forget gates", "use keras.layers.LSTM")
    if op.options.fused_activation != TANH:
        raise UnsupportedModel(f"{graph.label(op)} has an activation other than tanh, which its kernel does not compute")


@dataclass(frozen=True, eq=False)
class _Gate:
    input_weights: Array
    recurrent_weights: Array
    input_bias: Array
    recurrent_bias: Array
    scales: tuple[int, ...]


def _gate(graph: Graph, op: Op, gate: int, shape: tuple[int, int], incoming: Quant, hidden: Quant) -> _Gate:
    cells, _ = shape
    bias = requirements.bias(graph, op, requirements.optional(graph, op, _BIASES + gate), cells)
    driven, driven_bias, driven_scale = _product(graph, op, _INPUT_WEIGHTS + gate, shape, incoming, bias)
    recalled, recalled_bias, recalled_scale = _product(graph, op, _RECURRENT_WEIGHTS + gate, (cells, cells), hidden, np.zeros_like(bias))
    return _Gate(driven, recalled, driven_bias, recalled_bias, (*driven_scale, *recalled_scale))


def _product(
    graph: Graph, op: Op, position: int, shape: tuple[int, int], incoming: Quant, bias: Array
) -> tuple[Array, Array, tuple[int, int]]:
    """Weights, the bias with the zero point folded in, multiplier and shift to Q3.12 of one matrix product of a gate."""
    tensor = requirements.present(graph, op, position)
    requirements.shaped(graph, op, tensor, shape)
    weights, scales = requirements.weights(graph, op, tensor, 0)
    if tensor.quant is None or tensor.quant.per_channel:
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are quantized per channel", "convert the model again")
    if not requirements.SCALES[0] <= scales[0] <= requirements.SCALES[1]:
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' have the scale {scales[0]}", "convert the model again")
    effective = np.float32(scales[0]) * np.float32(incoming.scale) / np.float32(2.0 ** (GATE_INTEGER_BITS - 15))
    multiplier, shift = quantize_multiplier(float(effective))
    magnitudes = np.abs(weights.astype(np.int64)).sum(1)
    # an unfolded sum passes |bias| + 128 * magnitude on its way to at most |bias| + 255 * magnitude
    requirements.accumulators_fit(graph, op, magnitudes, bias, np.full(shape[0], shift), 256)
    folded = bias.astype(np.int64) - incoming.zero_point * weights.astype(np.int64).sum(1)
    return weights, folded.astype(np.int32), (multiplier, shift)


def _cell_clip(graph: Graph, op: Op, quant: Quant) -> int:
    clip = op.options.cell_clip
    if not math.isfinite(clip) or clip < 0:
        raise UnsupportedModel(f"{graph.label(op)} has the cell clip {clip}")
    quantized = int(np.minimum(np.float32(clip) / np.float32(quant.scale), np.float32(32767)))
    return quantized or 32768  # LiteRT clips where the integer is above 0


def _hidden(graph: Graph, op: Op) -> tuple[int, int, int]:
    if len(op.intermediates) != 5 or not 0 <= op.intermediates[_HIDDEN_SCALE] < len(graph.tensors):
        raise UnsupportedModel(f"{graph.label(op)} lacks the tensors that carry its internal scales", "convert the model again")
    quant = requirements.quantized(graph, op, graph.tensors[op.intermediates[_HIDDEN_SCALE]], ("int8", "int16", "float32"))
    multiplier, shift = quantize_multiplier(float(np.float32(2.0**-15 / quant.scale * 2.0**-15)))
    if shift > 0:
        raise UnsupportedModel(f"{graph.label(op)}: the hidden state's scale {quant.scale} is too fine")
    return multiplier, shift, quant.zero_point


def reference(p: Lstm, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x, hidden, cell = (value.astype(np.int64) for value in inputs)
    state_shapes = hidden.shape, cell.shape
    vectors = x.reshape(-1, p.inputs)
    hidden, cell = hidden.reshape(p.batches, p.cells), cell.reshape(p.batches, p.cells)
    output = np.zeros((len(vectors), p.cells), np.int64)
    for step in range(p.steps):
        rows = np.arange(p.batches) * p.batch_stride + step * p.step_stride
        sums = [_gate_sum(p, gate, vectors[rows], hidden) for gate in range(len(GATES))]
        input_gate, forget_gate, output_gate = (fixed_point_16.logistic(sums[k], GATE_INTEGER_BITS) for k in (0, 1, 3))
        cell_gate = fixed_point_16.tanh(sums[2], GATE_INTEGER_BITS)
        kept = rounding_shift_right(forget_gate * cell, np.int64(15))
        added = rounding_shift_right(input_gate * cell_gate, np.int64(15 + p.cell_integer_bits))
        cell = np.clip(np.clip(kept + added, -32768, 32767), -p.cell_clip, p.cell_clip)
        multiplier, shift, zero_point = p.hidden
        squashed = output_gate * fixed_point_16.tanh(cell, p.cell_integer_bits)
        hidden = np.clip(requantize(squashed, multiplier, shift) + zero_point, -128, 127)
        output[rows] = hidden
    results = output.reshape(*x.shape[:-1], p.cells).astype(np.int8)
    return results, hidden.reshape(state_shapes[0]).astype(np.int8), cell.reshape(state_shapes[1]).astype(np.int16)


def _gate_sum(p: Lstm, gate: int, x: Int64, hidden: Int64) -> Int64:
    """[batches, cells] in Q3.12, saturated after each of the two products."""
    scale = p.scales[gate].tolist()
    driven = x @ p.input_weights[gate].astype(np.int64).T + p.input_bias[gate]
    recalled = hidden @ p.recurrent_weights[gate].astype(np.int64).T + p.recurrent_bias[gate]
    first = np.clip(requantize(driven, scale[0], scale[1]), -32768, 32767)
    return np.asarray(np.clip(first + requantize(recalled, scale[2], scale[3]), -32768, 32767), np.int64)


def call(p: Lstm) -> Call:
    return Call(
        function="tinykd_lstm_s8",
        struct="tinykd_lstm",
        fields={
            "batches": p.batches,
            "steps": p.steps,
            "batch_stride": p.batch_stride,
            "step_stride": p.step_stride,
            "inputs": p.inputs,
            "cells": p.cells,
            "input_weights": Table("int8_t", p.input_weights),
            "recurrent_weights": Table("int8_t", p.recurrent_weights),
            "input_bias": Table("int32_t", p.input_bias),
            "recurrent_bias": Table("int32_t", p.recurrent_bias),
            "scales": Table("int32_t", p.scales),
            "cell_integer_bits": p.cell_integer_bits,
            "cell_clip": p.cell_clip,
            "hidden_multiplier": p.hidden[0],
            "hidden_shift": p.hidden[1],
            "hidden_zero_point": p.hidden[2],
        },
        source="lstm.c",
        states=(_HIDDEN_STATE, _CELL_STATE),
    )


def macs(p: Lstm) -> int:
    return p.batches * p.steps * len(GATES) * p.cells * (p.inputs + p.cells)


def cases(rng: np.random.Generator) -> Case:
    batches, steps, inputs, cells = int(rng.integers(1, 3)), int(rng.integers(1, 5)), int(rng.integers(1, 9)), int(rng.integers(1, 9))
    time_major = bool(rng.random() < 0.3)
    order = (steps, batches) if time_major else (batches, steps)
    incoming, hidden = sampling.quant(rng, low=1e-3, high=3e-2), sampling.quant(rng, low=1e-3, high=1e-2)
    cell = Quant((2.0 ** -int(rng.integers(9, 16)),), (0,))
    reach = float(np.exp(rng.uniform(np.log(0.3), np.log(8))))  # of a gate's argument: from linear to saturated
    tensors = [Tensor("input", (*order, inputs), "int8", incoming)]
    for width, quant in ((inputs, incoming), (cells, hidden)):
        for gate in GATES:
            scale = float(np.float32(reach / (quant.scale * 128 * 127 * np.sqrt(width))))
            values = sampling.int8(rng, (cells, width), -127)
            tensors.append(Tensor(f"{gate}_{width}", values.shape, "int8", Quant((scale,), (0,)), values))
    for gate in GATES:
        tensors.append(Tensor(f"{gate}_bias", (cells,), "int32", None, rng.integers(-9000, 9000, cells).astype(np.int32)))
    tensors.append(Tensor("hidden", (batches, cells), "int8", hidden))
    tensors.append(Tensor("cells", (batches, cells), "int16", cell))
    tensors += [Tensor(f"intermediate_{k}", (0,), "float32") for k in range(4)]
    tensors += [Tensor("hidden_scale", (0,), "int8", hidden), Tensor("output", (*order, cells), "int8", hidden)]
    listed = (0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, *((-1,) * int(rng.choice([0, 4]))))
    clip = float(rng.choice([0.0, 10.0, 0.5]))
    feeds = [(sampling.int8(rng, (*order, inputs)),) for _ in range(3)]
    options = LstmOptions(TANH, clip, 0.0, time_major)
    return stateful.case("UNIDIRECTIONAL_SEQUENCE_LSTM", options, tensors, listed, (20,), (13, 14), feeds, range(15, 20))


OPERATOR = Operator(
    kind="UNIDIRECTIONAL_SEQUENCE_LSTM",
    code=44,
    options_code=71,
    options=LstmOptions,
    summary="LSTM over a sequence, its hidden and cell state kept; without peepholes, projection and layer normalization",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
