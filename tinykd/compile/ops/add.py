"""ADD: sum of two int8 or int16 tensors with their own scales, with broadcasting."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import activation, requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

LEFT_SHIFTS = {"int8": 20, "int16": 15}
"""Operands are raised by so many bits before they are scaled, so that the sum keeps precision."""

SUFFIXES = {"int8": "s8", "int16": "s16"}
"""How kernels' names end, by dtype."""


@dataclass(frozen=True)
class AddOptions:
    fused_activation: int = slot(0, "int8", 0)
    pot_scale_int16: int = slot(1, "bool", 1)


@dataclass(frozen=True)
class ScaledOperand:
    """(q - zero_point) * 2**left_shift * multiplier * 2**(shift - 31)."""

    zero_point: int
    left_shift: int
    multiplier: int
    shift: int

    def __call__(self, q: Array) -> Int64:
        return requantize((q.astype(np.int64) - self.zero_point) << self.left_shift, self.multiplier, self.shift)

    def fields(self, name: str) -> dict[str, int]:
        """Members of the kernel's struct."""
        return {f"{name}_zero_point": self.zero_point, f"{name}_multiplier": self.multiplier, f"{name}_shift": self.shift}


@dataclass(frozen=True)
class Sum:
    """Integers of f(a, b) with both operands on twice the larger input scale, the result requantized to the output."""

    dtype: str
    loops: Broadcast
    a: ScaledOperand
    b: ScaledOperand
    output_zero_point: int
    output_multiplier: int
    output_shift: int
    clamp: tuple[int, int]


def scaled(
    graph: Graph, op: Op, left_shifts: Mapping[str, int], output_multiplier: Callable[[float, float, int], float], fused_activation: int
) -> Sum:
    """Check two operands and put both on twice the larger input scale.

    Source: LiteRT `Prepare` of `add.cc`, `sub.cc` and `squared_difference.cc`.

    Args:
        left_shifts: bits by which operands are raised before they are scaled, for each dtype of the kernel.
        output_multiplier: the real multiplier of the result, from twice the larger input scale, the output scale and the
            left shift.
        fused_activation: its ActivationFunctionType number.
    """
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    dtypes = tuple(left_shifts)
    a_quant, b_quant = requirements.quantized(graph, op, a, dtypes), requirements.quantized(graph, op, b, dtypes)
    outgoing = requirements.quantized(graph, op, result, dtypes)
    dtype = requirements.one_dtype(graph, op, (a, b, result))
    left_shift = left_shifts[dtype]
    twice_larger = 2 * max(a_quant.scale, b_quant.scale)
    multiplier, shift = quantize_multiplier(output_multiplier(twice_larger, outgoing.scale, left_shift))
    # scaled operands are below 2**29, so f(a, b) fits 31 bits; LiteRT refuses to multiply it by 1 or more
    if shift > 0:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is too fine for input scales of {twice_larger / 2:.3g}",
            "calibrate with representative data",
        )
    return Sum(
        dtype=dtype,
        loops=broadcast(graph, op, a, b, result),
        a=ScaledOperand(a_quant.zero_point, left_shift, *quantize_multiplier(a_quant.scale / twice_larger)),
        b=ScaledOperand(b_quant.zero_point, left_shift, *quantize_multiplier(b_quant.scale / twice_larger)),
        output_zero_point=outgoing.zero_point,
        output_multiplier=multiplier,
        output_shift=shift,
        clamp=activation.clamp(graph, op, fused_activation, outgoing, dtype),
    )


def lower(graph: Graph, op: Op, _: Rounding) -> Sum:
    """ADD and SUB alike."""
    p = scaled(graph, op, LEFT_SHIFTS, lambda twice, outgoing, left: twice / ((1 << left) * outgoing), op.options.fused_activation)
    quants = [tensor.quant for tensor in graph.op_tensors(op)]
    if p.dtype == "int16" and op.options.pot_scale_int16 and all(q and math.frexp(q.scale)[0] == 0.5 for q in quants):
        raise UnsupportedModel(f"{graph.label(op)}: int16 with scales that are powers of two, from an old converter")
    return p


def finish(p: Sum, total: Int64) -> Array:
    """The output for a result that is on twice the larger input scale."""
    return np.clip(requantize(total, p.output_multiplier, p.output_shift) + p.output_zero_point, *p.clamp).astype(p.dtype)


def reference(p: Sum, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (finish(p, p.a(inputs[0]) + p.b(inputs[1])),)


def fields(p: Sum) -> dict[str, int]:
    """Members of the kernel's struct."""
    return {
        **p.loops.fields(),
        **p.a.fields("a"),
        **p.b.fields("b"),
        "output_zero_point": p.output_zero_point,
        "output_multiplier": p.output_multiplier,
        "output_shift": p.output_shift,
        "clamp_low": p.clamp[0],
        "clamp_high": p.clamp[1],
    }


def call_of(p: Sum, name: str) -> Call:
    """The call of the kernel `name`, which is also its file's name."""
    return Call(
        function=f"tinykd_{name}_{SUFFIXES[p.dtype]}", struct="tinykd_sum", fields=dict(fields(p)), source=f"{name}.c", inputs=(0, 1)
    )


def call(p: Sum) -> Call:
    return call_of(p, "add")


def macs(_: Sum) -> int:
    return 0


def case(rng: np.random.Generator, kind: str, options: Callable[[int], Any]) -> Case:
    """A test case of a sum or difference, one in four of int16."""
    shapes = sampling.broadcast_shapes(rng)
    a_quant, b_quant = sampling.quant(rng), sampling.quant(rng)
    if rng.random() < 0.3:
        b_quant = a_quant
    outgoing = sampling.output_quant(rng, 127 * max(a_quant.scale, b_quant.scale))
    activation_code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    dtype = "int16" if rng.random() < 0.25 else "int8"
    return sampling.binary(rng, kind, options(activation_code), shapes, (a_quant, b_quant, outgoing), dtype)


def cases(rng: np.random.Generator) -> Case:
    return case(rng, "ADD", AddOptions)


OPERATOR = Operator(
    kind="ADD",
    code=0,
    options_code=11,
    options=AddOptions,
    summary="sum with broadcasting, fused clamp",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
