"""SQUARED_DIFFERENCE: (a - b)**2 of two int8 tensors with their own scales, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import activation, add, sampling
from tinykd.compile.ops.add import Sum
from tinykd.compile.ops.broadcast import distances
from tinykd.compile.ops.operator import Call, Case, Operator

LEFT_SHIFTS = {"int8": 7}
"""Operands are raised by so many bits: the square of their difference, below 2**30, keeps precision."""


def lower(graph: Graph, op: Op, _: Rounding) -> Sum:
    def output_multiplier(twice_larger: float, outgoing: float, left_shift: int) -> float:
        # LiteRT squares the larger scale and raises the output scale in float64 and float32 respectively
        return twice_larger * twice_larger / float(np.float32(1 << 2 * left_shift) * np.float32(outgoing))

    return add.scaled(graph, op, LEFT_SHIFTS, output_multiplier, activation.NONE)


def reference(p: Sum, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (add.finish(p, (p.a(inputs[0]) - p.b(inputs[1])) ** 2),)


def call(p: Sum) -> Call:
    return add.call_of(p, "squared_difference")


def cases(rng: np.random.Generator) -> Case:
    a, b = sampling.quant(rng), sampling.quant(rng)
    if rng.random() < 0.5:
        b = replace(b, scales=a.scales)
    typical = (128 * max(a.scale, b.scale)) ** 2
    return sampling.binary(rng, "SQUARED_DIFFERENCE", None, sampling.broadcast_shapes(rng), (a, b, sampling.output_quant(rng, typical)))


OPERATOR = Operator(
    kind="SQUARED_DIFFERENCE",
    code=99,
    options_code=0,
    options=None,
    summary="(a - b)**2 with broadcasting",
    lower=lower,
    reference=reference,
    call=call,
    macs=add.macs,
    cases=cases,
    distances=distances,
)
