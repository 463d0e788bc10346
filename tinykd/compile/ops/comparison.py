"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL of two int8 tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class Side:
    """One operand as it is compared: requantize((q - zero_point) * 256)."""

    zero_point: int
    multiplier: int
    shift: int

    def scaled(self, q: Array) -> Array:
        return requantize((q.astype(np.int64) - self.zero_point) * 256, self.multiplier, self.shift)


@dataclass(frozen=True)
class Comparison:
    """Loops over two operands and their scales."""

    loops: Broadcast
    a: Side
    b: Side


def _side(graph: Graph, op: Op, quant: Quant) -> Side:
    """Source: LiteRT `ComparisonQuantized`: the multiplier is the scale itself, and must be below 1."""
    multiplier, shift = quantize_multiplier(quant.scale)
    if shift > 0:
        raise UnsupportedModel(f"{graph.label(op)}: an operand has the scale {quant.scale}; LiteRT compares scales below 1")
    return Side(quant.zero_point, multiplier, shift)


def _lower(graph: Graph, op: Op, order: tuple[int, int]) -> Comparison:
    requirements.counts(graph, op, (2,))
    a, b = (requirements.present(graph, op, position) for position in order)
    result = graph.tensors[op.outputs[0]]
    if result.dtype != "bool":
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' is {result.dtype}, a comparison makes bool")
    sides = [_side(graph, op, requirements.quantized(graph, op, tensor)) for tensor in (a, b)]
    return Comparison(broadcast(graph, op, a, b, result), *sides)


def macs(_: Comparison) -> int:
    return 0


def _cases(rng: np.random.Generator, kind: str) -> Case:
    """Scales alike in one case of three, so that many integers are equal."""
    one, other = sampling.quant(rng), sampling.quant(rng)
    if rng.random() < 1 / 3:
        other = sampling.with_scale(other, one.scale)
    values = [sampling.int8(rng, shape) for shape in sampling.broadcast_shapes(rng)]
    tensors = [Tensor(name, x.shape, "int8", quant) for name, x, quant in zip("ab", values, (one, other))]
    tensors.append(Tensor("output", np.broadcast_shapes(*(x.shape for x in values)), "bool"))
    return sampling.single(kind, None, tensors, (0, 1), (2,), values)


def _operator(kind: str, code: int, kernel: str, order: tuple[int, int], relation: Callable[[Array, Array], Array]) -> Operator[Comparison]:
    """A row; `order` is (1, 0) where the kernel takes the operands swapped."""

    def lower(graph: Graph, op: Op, _: Rounding) -> Comparison:
        return _lower(graph, op, order)

    def reference(p: Comparison, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.asarray(relation(p.a.scaled(inputs[0]), p.b.scaled(inputs[1]))),)

    def call(p: Comparison) -> Call:
        sides = {f"{name}_{field}": value for name, side in (("a", p.a), ("b", p.b)) for field, value in vars(side).items()}
        return Call(f"tinykd_{kernel}_s8", "tinykd_comparison", {**p.loops.fields(), **sides}, "comparison.c", inputs=order)

    def cases(rng: np.random.Generator) -> Case:
        return _cases(rng, kind)

    return Operator(
        kind=kind,
        code=code,
        options_code=0,
        options=None,
        summary="comparison of two int8 tensors with broadcasting, scales below 1; the output is bool",
        lower=lower,
        reference=reference,
        call=call,
        macs=macs,
        cases=cases,
        distances=distances,
    )


EQUAL = _operator("EQUAL", 71, "equal", (0, 1), np.equal)
NOT_EQUAL = _operator("NOT_EQUAL", 72, "not_equal", (0, 1), np.not_equal)
LESS = _operator("LESS", 58, "less", (0, 1), np.less)
LESS_EQUAL = _operator("LESS_EQUAL", 63, "less_equal", (0, 1), np.less_equal)
GREATER = _operator("GREATER", 61, "less", (1, 0), np.less)
GREATER_EQUAL = _operator("GREATER_EQUAL", 62, "less_equal", (1, 0), np.less_equal)
