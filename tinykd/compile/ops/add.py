"""ADD: sum of two int8 tensors with their own scales, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import activation, requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

LEFT_SHIFT = 20
"""Operands are raised by this many bits before they are scaled, so that the sum keeps precision."""


@dataclass(frozen=True)
class AddOptions:
    fused_activation: int = slot(0, "int8", 0)


@dataclass(frozen=True)
class ScaledOperand:
    """(q - zero_point) * 2**LEFT_SHIFT * multiplier * 2**(shift - 31)."""

    zero_point: int
    multiplier: int
    shift: int

    def __call__(self, q: Array) -> Int64:
        return requantize((q.astype(np.int64) - self.zero_point) << LEFT_SHIFT, self.multiplier, self.shift)

    def fields(self, name: str) -> dict[str, int]:
        """Members of the kernel's struct."""
        return {f"{name}_zero_point": self.zero_point, f"{name}_multiplier": self.multiplier, f"{name}_shift": self.shift}


@dataclass(frozen=True)
class Sum:
    """Integers of a sum or difference: both operands on twice the larger input scale, then requantized to the output."""

    elements: int
    loops: Broadcast
    a: ScaledOperand
    b: ScaledOperand
    output_zero_point: int
    output_multiplier: int
    output_shift: int
    clamp: tuple[int, int]


def lower(graph: Graph, op: Op, _: Rounding) -> Sum:
    """Source: LiteRT `add.cc` and `sub.cc`, `Prepare`."""
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    a_quant, b_quant = requirements.quantized(graph, op, a), requirements.quantized(graph, op, b)
    outgoing = requirements.quantized(graph, op, result)
    twice_larger = 2 * max(a_quant.scale, b_quant.scale)
    a_multiplier, a_shift = quantize_multiplier(a_quant.scale / twice_larger)
    b_multiplier, b_shift = quantize_multiplier(b_quant.scale / twice_larger)
    real = twice_larger / ((1 << LEFT_SHIFT) * outgoing.scale)
    multiplier, shift = quantize_multiplier(real)
    # operands are below 2**27 after scaling, so their sum is below 2**28; LiteRT's ADD stops at multipliers of 1
    if shift > 0:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is over 500000 times finer than the inputs'",
            "calibrate with representative data",
        )
    return Sum(
        elements=result.elements,
        loops=broadcast(graph, op, a, b, result),
        a=ScaledOperand(a_quant.zero_point, a_multiplier, a_shift),
        b=ScaledOperand(b_quant.zero_point, b_multiplier, b_shift),
        output_zero_point=outgoing.zero_point,
        output_multiplier=multiplier,
        output_shift=shift,
        clamp=activation.clamp(graph, op, op.options.fused_activation, outgoing),
    )


def finish(p: Sum, total: Int64) -> Array:
    """The output of a sum that is on twice the larger input scale."""
    return np.clip(requantize(total, p.output_multiplier, p.output_shift) + p.output_zero_point, *p.clamp).astype(np.int8)


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


def call(p: Sum) -> Call:
    return Call(function="tinykd_add_s8", struct="tinykd_sum", fields=dict(fields(p)), source="add.c", inputs=(0, 1))


def macs(_: Sum) -> int:
    return 0


def case(rng: np.random.Generator, kind: str, options: Callable[..., AddOptions]) -> Case:
    """A test case of a sum or difference."""
    shapes = sampling.broadcast_shapes(rng)
    a_quant, b_quant = sampling.quant(rng), sampling.quant(rng)
    if rng.random() < 0.3:
        b_quant = a_quant
    outgoing = sampling.output_quant(rng, 127 * max(a_quant.scale, b_quant.scale))
    activation_code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    return sampling.binary(rng, kind, options(activation_code), shapes, (a_quant, b_quant, outgoing))


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
)
