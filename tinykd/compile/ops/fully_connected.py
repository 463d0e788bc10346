"""FULLY_CONNECTED: matrix product with constant weights, per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import single_rounding
from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize, requantize_once
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import activation, requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class FullyConnectedOptions:
    fused_activation: int = slot(0, "int8", 0)
    weights_format: int = slot(1, "int8", 0)
    keep_num_dims: int = slot(2, "bool", 0)


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """Integers of a matrix product. Input [rows, depth], weights [out, depth], output [rows, out]."""

    rows: int
    output_shape: tuple[int, ...]
    weights: Array
    bias: Array
    rounding: Rounding
    multipliers: Array
    shifts: Array
    input_zero_point: int
    output_zero_point: int
    clamp: tuple[int, int]


def lower(graph: Graph, op: Op, rounding: Rounding) -> FullyConnected:
    requirements.counts(graph, op, (2, 3))
    source, matrix = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    requirements.rank(graph, op, matrix, 2)
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    o: FullyConnectedOptions = op.options
    if o.weights_format != 0:
        raise UnsupportedModel(f"{graph.label(op)}: weights '{matrix.name}' are shuffled", "convert the model without weight shuffling")
    weights, scales = requirements.weights(graph, op, matrix, axis=0)
    channels, depth = matrix.shape
    if source.elements == 0 or source.elements % depth:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' {list(source.shape)} does not divide into rows of {depth}")
    rows = source.elements // depth
    if result.shape[-1:] != (channels,) or result.elements != rows * channels:
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' has shape {list(result.shape)} for {rows} rows of {channels}")
    bias = requirements.bias(graph, op, requirements.optional(graph, op, 2), channels)
    clamp = activation.clamp(graph, op, o.fused_activation, outgoing)
    magnitudes = np.abs(weights.astype(np.int64)).sum(axis=1)
    quant = matrix.quant
    assert quant is not None
    if rounding == "single":
        real = [incoming.scale * scale / outgoing.scale for scale in scales]
        bounds = magnitudes * 255 + np.abs(bias.astype(np.int64))
        pairs = single_rounding.multipliers(real, bounds, (clamp[0] - outgoing.zero_point, clamp[1] - outgoing.zero_point), graph.label(op))
    elif quant.per_channel:
        pairs = [quantize_multiplier(incoming.scale * scale / outgoing.scale) for scale in scales]
    else:  # TFLite Micro multiplies the two scales in float32 where the weights have one scale
        product = float(np.float32(incoming.scale) * np.float32(quant.scale))
        pairs = [quantize_multiplier(product / outgoing.scale)] * channels
    multipliers, shifts = np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32)
    requirements.accumulators_fit(graph, op, magnitudes, bias, shifts)
    return FullyConnected(
        rows=rows,
        output_shape=result.shape,
        weights=weights,
        bias=bias,
        rounding=rounding,
        multipliers=multipliers,
        shifts=shifts,
        input_zero_point=incoming.zero_point,
        output_zero_point=outgoing.zero_point,
        clamp=clamp,
    )


_REQUANTIZE = {"single": requantize_once, "double": requantize}


def reference(p: FullyConnected, inputs: Sequence[Array]) -> tuple[Array, ...]:
    # products of these integers sum below 2**53: float64 is exact and uses the fast matrix product
    x = inputs[0].reshape(p.rows, -1).astype(np.float64) - p.input_zero_point
    total = (x @ p.weights.T.astype(np.float64)).astype(np.int64) + p.bias
    scaled = _REQUANTIZE[p.rounding](total, p.multipliers, p.shifts) + p.output_zero_point
    return (np.clip(scaled, *p.clamp).astype(np.int8).reshape(p.output_shape),)


_FUNCTIONS = {"single": "tinykd_fully_connected_single_s8", "double": "tinykd_fully_connected_double_s8"}


def call(p: FullyConnected) -> Call:
    return Call(
        function=_FUNCTIONS[p.rounding],
        struct="tinykd_fully_connected",
        fields={
            "rows": p.rows,
            "depth": p.weights.shape[1],
            "channels": p.weights.shape[0],
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", p.weights),
            "bias": Table("int32_t", p.bias),
            "multipliers": Table("int32_t", p.multipliers),
            "shifts": Table("int8_t", p.shifts),
        },
        source="fully_connected.c",
    )


def macs(p: FullyConnected) -> int:
    return p.rows * int(p.weights.size)


def cases(rng: np.random.Generator) -> Case:
    rows, depth, channels = int(rng.choice([1, 1, 2, 5])), int(rng.integers(1, 70)), int(rng.integers(1, 20))
    incoming = sampling.quant(rng)
    weight_quant = sampling.weight_quant(rng, channels, 0)
    weights = sampling.int8(rng, (channels, depth), low=-127)
    bias_scales = tuple(incoming.scale * s for s in weight_quant.scales)
    outgoing = sampling.output_quant(rng, incoming.scale * weight_quant.scale * 127 * 100 * float(np.sqrt(depth)))
    if rng.random() < 0.3:  # a real multiplier of 2**-k: every half is an exact tie
        outgoing = Quant((float(np.float32(incoming.scale * weight_quant.scale * 2.0 ** int(rng.integers(1, 9)))),), outgoing.zero_points)
    options = FullyConnectedOptions(int(rng.choice([0, 0, 1, 3])), 0, 0)
    x = sampling.int8(rng, (rows, depth))
    tensors = [
        Tensor("input", x.shape, "int8", incoming),
        Tensor("weights", weights.shape, "int8", weight_quant, weights),
        Tensor("output", (rows, channels), "int8", outgoing),
    ]
    if rng.random() < 0.2:
        return sampling.single("FULLY_CONNECTED", options, tensors, (0, 1, -1), (2,), (x,))
    bias = rng.integers(-20000, 20001, channels).astype(np.int32)
    tensors.append(Tensor("bias", bias.shape, "int32", Quant(bias_scales, (0,) * len(bias_scales)), bias))
    return sampling.single("FULLY_CONNECTED", options, tensors, (0, 1, 3), (2,), (x,))


OPERATOR = Operator(
    kind="FULLY_CONNECTED",
    code=9,
    options_code=8,
    options=FullyConnectedOptions,
    summary="matrix product; any input rank, optional bias, fused clamp, weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
