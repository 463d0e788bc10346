"""FULLY_CONNECTED: matrix product with constant weights, per tensor or per channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykd.compile import single_rounding
from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize, requantize_once, requantize_wide
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import access, requirements, sampling, weighted
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.ops.weighted import SCHEMES, Weighted
from tinykd.compile.schema import slot
from tinykd.compile.wide_rounding import WideMultipliers, wide_multipliers
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class FullyConnectedOptions:
    fused_activation: int = slot(0, "int8", 0)
    weights_format: int = slot(1, "int8", 0)
    keep_num_dims: int = slot(2, "bool", 0)
    quantized_bias_type: int = slot(4, "int8", 0)


@dataclass(frozen=True, eq=False)
class FullyConnected(Weighted):
    """Integers of a matrix product. Input [rows, depth], weights [out, depth], output [rows, out].

    Attributes:
        wide: the multipliers where int16 is rounded once, instead of `multipliers` and `shifts`.
    """

    rows: int
    output_shape: tuple[int, ...]
    rounding: Rounding
    wide: WideMultipliers | None = None

    @property
    def kernel(self) -> str:
        """How its kernel's name ends."""
        return f"{self.rounding}_{self.scheme.suffix}"

    def outputs(self, sums: Int64) -> Array:
        scaled = _REQUANTIZE[self.rounding, self.scheme.suffix](self, sums + self.bias) + self.output_zero_point
        return np.clip(scaled, *self.clamp).astype(self.scheme.dtype)


def lower(graph: Graph, op: Op, rounding: Rounding) -> FullyConnected:
    requirements.counts(graph, op, (2, 3))
    source, matrix = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    requirements.rank(graph, op, matrix, 2)
    o: FullyConnectedOptions = op.options
    if o.weights_format != 0:
        raise UnsupportedModel(f"{graph.label(op)}: weights '{matrix.name}' are shuffled", "convert the model without weight shuffling")
    channels, depth = matrix.shape
    if source.elements == 0 or source.elements % depth:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' {list(source.shape)} does not divide into rows of {depth}")
    rows = source.elements // depth
    if result.shape[-1:] != (channels,) or result.elements != rows * channels:
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' has shape {list(result.shape)} for {rows} rows of {channels}")
    integers = weighted.weighted(
        graph,
        op,
        source=source,
        filters=matrix,
        bias=requirements.optional(graph, op, 2),
        result=result,
        axis=0,
        fused_activation=o.fused_activation,
        bias_type=o.quantized_bias_type,
        asymmetric=("uint8", "int8"),
    )
    p = FullyConnected(**vars(integers), rows=rows, output_shape=result.shape, rounding=rounding)
    incoming, quant, outgoing = source.quant, matrix.quant, result.quant
    assert incoming is not None
    assert quant is not None
    assert outgoing is not None
    return _ROUNDED[rounding, p.scheme.dtype](graph, op, p, (incoming, quant, outgoing))


Quants = tuple[Quant, Quant, Quant]
"""Of input, weights and output."""


def _real(p: FullyConnected, quants: Quants) -> list[float]:
    """The multiplier of each channel in float64."""
    incoming, quant, outgoing = quants
    scales = quant.scales if quant.per_channel else quant.scales * int(p.weights.shape[0])
    return [incoming.scale * scale / outgoing.scale for scale in scales]


def _bounds(p: FullyConnected) -> Int64:
    """[channels] the largest magnitude of a sum."""
    return weighted.magnitudes(p, 0) * weighted.LARGEST_INPUT[p.scheme.dtype] + np.abs(p.bias.astype(np.int64))


def _rounded_once(graph: Graph, op: Op, p: FullyConnected, quants: Quants) -> FullyConnected:
    outputs = (p.clamp[0] - p.output_zero_point, p.clamp[1] - p.output_zero_point)
    pairs = single_rounding.multipliers(_real(p, quants), _bounds(p), outputs, graph.label(op))
    return _with_multipliers(graph, op, p, pairs)


def _wide_rounded_once(graph: Graph, op: Op, p: FullyConnected, quants: Quants) -> FullyConnected:
    """The sums are the same integers for 32 and for 64 bits where they fit 32, so one kernel serves both."""
    wide = wide_multipliers(_real(p, quants), _bounds(p), 1 << 15, graph.label(op))
    return replace(p, scheme=SCHEMES["int16", "int8", "int64"], bias=p.bias.astype(np.int64), wide=wide)


def _rounded_twice(graph: Graph, op: Op, p: FullyConnected, quants: Quants) -> FullyConnected:
    """TFLite Micro multiplies the two scales in float32 where the weights have one scale."""
    incoming, quant, outgoing = quants
    if quant.per_channel:
        return _with_multipliers(graph, op, p, [quantize_multiplier(real) for real in _real(p, quants)])
    product = float(np.float32(incoming.scale) * np.float32(quant.scale))
    return _with_multipliers(graph, op, p, [quantize_multiplier(product / outgoing.scale)] * int(p.weights.shape[0]))


def _with_multipliers(graph: Graph, op: Op, p: FullyConnected, pairs: Sequence[tuple[int, int]]) -> FullyConnected:
    multipliers, shifts = np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32)
    found = replace(p, multipliers=multipliers, shifts=shifts)
    weighted.sums_fit(graph, op, found, 0)
    return found


_ROUNDED = {
    ("single", "int8"): _rounded_once,
    ("single", "int16"): _wide_rounded_once,
    ("double", "int8"): _rounded_twice,
    ("double", "int16"): _rounded_twice,
}
"""How multipliers are found, by rounding and the activations' dtype."""


def _requantize_wide_once(p: FullyConnected, sums: Int64) -> Int64:
    assert p.wide is not None
    return p.wide.requantize(sums)


_REQUANTIZE: dict[tuple[Rounding, str], Callable[[FullyConnected, Int64], Int64]] = {
    ("single", "s8"): lambda p, sums: requantize_once(sums, p.multipliers, p.shifts),
    ("single", "s4"): lambda p, sums: requantize_once(sums, p.multipliers, p.shifts),
    ("single", "u8"): lambda p, sums: requantize_once(sums, p.multipliers, p.shifts),
    ("single", "s16"): _requantize_wide_once,
    ("double", "s8"): lambda p, sums: requantize(sums, p.multipliers, p.shifts),
    ("double", "s4"): lambda p, sums: requantize(sums, p.multipliers, p.shifts),
    ("double", "u8"): lambda p, sums: requantize(sums, p.multipliers, p.shifts),
    ("double", "s16"): lambda p, sums: requantize_wide(sums, p.multipliers, p.shifts),
    ("double", "s16_narrow"): lambda p, sums: requantize(sums, p.multipliers, p.shifts),
}


def sums_of(p: FullyConnected, source: Array) -> Int64:
    """Sums of products [rows, out] of an input, the bias not yet added."""
    # products of these integers sum below 2**53: float64 is exact and uses the fast matrix product
    x = source.reshape(p.rows, -1).astype(np.float64) - p.input_zero_point
    return np.asarray((x @ p.centred().T).astype(np.int64))


def reference(p: FullyConnected, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (p.outputs(sums_of(p, inputs[0])).reshape(p.output_shape),)


_KERNELS = {
    "single_s8": ("tinykd_fully_connected", "fully_connected.c"),
    "double_s8": ("tinykd_fully_connected", "fully_connected.c"),
    "single_s4": ("tinykd_fully_connected_s4", "fully_connected_s4.c"),
    "double_s4": ("tinykd_fully_connected_s4", "fully_connected_s4.c"),
    "single_u8": ("tinykd_fully_connected_u8", "fully_connected_u8.c"),
    "double_u8": ("tinykd_fully_connected_u8", "fully_connected_u8.c"),
    "single_s16": ("tinykd_fully_connected_single_s16", "fully_connected_single_s16.c"),
    "double_s16": ("tinykd_fully_connected_s16", "fully_connected_s16.c"),
    "double_s16_narrow": ("tinykd_fully_connected", "fully_connected_s16_narrow.c"),
}
"""Struct and C file of each kernel."""


def _multiplier_fields(p: FullyConnected) -> dict[str, int | Table]:
    """What replaces `multipliers` and `shifts` where the multipliers are wide."""
    if p.wide is None:
        return {}
    return {
        "multipliers": Table("int32_t", p.wide.high),
        "shifts": Table("int8_t", p.wide.shifts),
        "low_multipliers": Table("int32_t", p.wide.low),
        "low_bits": p.wide.bits,
    }


def call(p: FullyConnected) -> Call:
    struct, source = _KERNELS[p.kernel]
    return Call(
        function=f"tinykd_fully_connected_{p.kernel}",
        struct=struct,
        fields={
            "rows": p.rows,
            "depth": int(p.weights.shape[1]),
            "channels": int(p.weights.shape[0]),
            **p.fields(),
            **_multiplier_fields(p),
        },
        source=source,
    )


def macs(p: FullyConnected) -> int:
    return p.rows * int(p.weights.size)


def distances(p: FullyConnected) -> tuple[int | None, ...]:
    """A row is read again for every output of its row."""
    item, (channels, depth) = ITEM_BYTES[p.scheme.dtype], p.weights.shape
    return (access.rows(p.rows, item * depth, item * channels, item),)


def cases(rng: np.random.Generator) -> Case:
    rows, depth, channels = int(rng.choice([1, 1, 2, 5])), int(rng.integers(1, 70)), int(rng.integers(1, 20))
    drawn = sampling.weighted(rng, (channels, depth), 0)
    options = FullyConnectedOptions(int(rng.choice([0, 0, 1, 3])), 0, 0, drawn.bias_type)
    x = drawn.input(rng, (rows, depth))
    tensors = [
        Tensor("input", x.shape, x.dtype.name, drawn.incoming),
        drawn.weights,
        Tensor("output", (rows, channels), x.dtype.name, drawn.outgoing),
    ]
    if rng.random() < 0.2:
        return sampling.single("FULLY_CONNECTED", options, tensors, (0, 1, -1), (2,), (x,))
    return sampling.single("FULLY_CONNECTED", options, [*tensors, drawn.bias], (0, 1, 3), (2,), (x,))


OPERATOR = Operator(
    kind="FULLY_CONNECTED",
    code=9,
    options_code=8,
    options=FullyConnectedOptions,
    summary="matrix product of int8 or int16; any input rank, optional bias, fused clamp, int8 or int4 weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
