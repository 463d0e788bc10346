"""MEAN over any axes, rescaled from the input's quantization to the output's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import reduction, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.reduction import ReducerOptions, Reduction
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class Mean:
    """(sum(x) - count * input_zero_point), requantized; 1 / count is part of the multiplier.

    Attributes:
        total_zero_point: count * input_zero_point.
    """

    loops: Reduction
    total_zero_point: int
    multiplier: int
    shift: int
    output_zero_point: int
    dtype: str = "int8"


_LARGEST = {"int8": 255, "int16": 32768}
"""Magnitudes of an element less its zero point."""


def lower(graph: Graph, op: Op, _: Rounding) -> Mean:
    """Source: LiteRT `QuantizedMeanOrSum`: the scales' Q31 multiplier is divided by the count, rounded down."""
    loops, incoming, outgoing = reduction.reduction(graph, op, tuple(_LARGEST))
    dtype = graph.tensors[op.outputs[0]].dtype
    multiplier, shift = quantize_multiplier(incoming.scale / outgoing.scale)
    halvings = min(loops.count.bit_length() - 1, 32, 31 + shift)
    multiplier, shift = (multiplier << halvings) // loops.count, shift - halvings
    if loops.count * _LARGEST[dtype] << max(shift, 0) > INT32_MAX - (1 << 16):
        raise UnsupportedModel(f"{graph.label(op)}: the mean of {loops.count} elements overflows 32 bits")
    return Mean(loops, loops.count * incoming.zero_point, multiplier, shift, outgoing.zero_point, dtype)


def reference(p: Mean, inputs: Sequence[Array]) -> tuple[Array, ...]:
    total = reduction.over(p.loops, np.sum, inputs[0].astype(np.int64)) - p.total_zero_point
    scaled = requantize(total, p.multiplier, p.shift) + p.output_zero_point
    limits = np.iinfo(p.dtype)
    return (np.clip(scaled, int(limits.min), int(limits.max)).astype(p.dtype),)


_FUNCTIONS = {"int8": ("tinykd_mean_s8", "mean.c"), "int16": ("tinykd_mean_s16", "mean_s16.c")}
"""By dtype."""


def call(p: Mean) -> Call:
    function, source = _FUNCTIONS[p.dtype]
    return Call(
        function=function,
        struct="tinykd_mean",
        fields={
            **p.loops.fields(),
            "total_zero_point": p.total_zero_point,
            "multiplier": p.multiplier,
            "shift": p.shift,
            "output_zero_point": p.output_zero_point,
        },
        source=source,
    )


def cases(rng: np.random.Generator) -> Case:
    incoming = sampling.quant(rng)
    outgoing = incoming if rng.random() < 0.3 else sampling.output_quant(rng, incoming.scale * 40)
    if rng.random() < 0.3:  # a multiplier of 2**-k makes exact ties
        outgoing = sampling.with_scale(outgoing, incoming.scale * 2.0 ** int(rng.integers(-3, 1)))
    return reduction.case(rng, "MEAN", incoming, outgoing, str(rng.choice(["int8", "int8", "int8", "int16"])))


OPERATOR = Operator(
    kind="MEAN",
    code=40,
    options_code=27,
    options=ReducerOptions,
    summary="mean of int8 or int16 over any axes",
    lower=lower,
    reference=reference,
    call=call,
    macs=reduction.macs,
    cases=cases,
)
