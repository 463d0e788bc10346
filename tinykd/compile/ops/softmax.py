"""SOFTMAX: exp(beta * x) over its sum along the last axis, in fixed point.

LiteRT's reference kernel evaluates exp with gemmlowp's polynomial. Its argument is the distance of a value from the row's
largest, which has at most 256 values: we tabulate the polynomial's exact results, and the C kernel only adds and divides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import exponential
from tinykd.compile.fixed_point import INT32_MAX, Rounding, quantize_multiplier, rounding_high_multiply, rounding_shift_right
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling, wide_softmax
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.ops.rows import Rows
from tinykd.compile.ops.wide_softmax import WideSoftmax
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

_DIFFERENCE_BITS = 5
"""Integer bits of a scaled difference (Q5.26): differences beyond -31 count as exp = 0."""

_SUM_BITS = 12
"""Integer bits of the sum of exponentials (Q12.19)."""

_LONGEST_ROW = (1 << _SUM_BITS) - 1
"""So many exponentials of 1 fit the sum."""


@dataclass(frozen=True)
class SoftmaxOptions:
    beta: float = slot(0, "float32", 0.0)


@dataclass(frozen=True, eq=False)
class Softmax(Rows):
    """Integers of a softmax over rows of `depth`.

    Attributes:
        exponentials: [entries] exp(-k * beta * scale) in Q0.31 for k quanta below the row's largest value; 0 beyond.
    """

    exponentials: Array


def exponentials(beta: float, scale: float) -> Array:
    """exp(-k * beta * scale) in Q0.31 for k = 0, 1, … as far as LiteRT evaluates it, at most 256.

    Source: LiteRT `PreprocessSoftmaxScaling` and `CalculateInputRadius`.
    """
    real = min(beta * scale * (1 << (31 - _DIFFERENCE_BITS)), float(INT32_MAX))
    multiplier, shift = quantize_multiplier(real)
    radius = math.floor(((1 << _DIFFERENCE_BITS) - 1) * (1 << (31 - _DIFFERENCE_BITS)) / (1 << shift))
    differences = -np.arange(min(radius, 255) + 1, dtype=np.int64)
    scaled = rounding_high_multiply(differences << shift, np.int64(multiplier))
    return exponential.exp_of_negative(scaled, _DIFFERENCE_BITS).astype(np.int32)


def lower(graph: Graph, op: Op, _: Rounding) -> Softmax | WideSoftmax:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    dtypes = ("int8", "int16")
    incoming, outgoing = requirements.quantized(graph, op, source, dtypes), requirements.quantized(graph, op, result, dtypes)
    requirements.shaped(graph, op, result, source.shape)
    if requirements.one_dtype(graph, op, (source, result)) == "int16":
        return wide_softmax.wide_softmax(graph, op, source, incoming, outgoing)
    if not source.shape or not 1 <= source.shape[-1] <= _LONGEST_ROW or not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' {list(source.shape)} has no rows of 1 to {_LONGEST_ROW} values")
    if outgoing.zero_point != -128 or abs(outgoing.scale * 256 - 1) > 1e-3:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output has scale {outgoing.scale} and zero point {outgoing.zero_point}, not 1/256 and -128"
        )
    beta = op.options.beta
    if not (math.isfinite(beta) and beta * incoming.scale * (1 << (31 - _DIFFERENCE_BITS)) > 1):
        raise UnsupportedModel(f"{graph.label(op)} has beta {beta} for an input scale of {incoming.scale}")
    return Softmax(source.shape, exponentials(beta, incoming.scale))


def reference(p: Softmax | WideSoftmax, inputs: Sequence[Array]) -> tuple[Array, ...]:
    if isinstance(p, WideSoftmax):
        return wide_softmax.reference(p, inputs)
    rows = inputs[0].reshape(p.rows, p.depth).astype(np.int64)
    below = rows.max(axis=1, keepdims=True) - rows
    table = np.zeros(256, np.int64)
    table[: p.exponentials.size] = p.exponentials
    values = table[below]
    total = rounding_shift_right(values, np.int64(_SUM_BITS)).sum(axis=1, keepdims=True)
    headroom = 31 - np.floor(np.log2(total.astype(np.float64))).astype(np.int64)  # leading zeros of 32 bits
    inverse = exponential.one_over_one_plus((total << headroom) - (1 << 31))
    scaled = rounding_shift_right(rounding_high_multiply(inverse, values), _SUM_BITS - headroom + 31 - 8)
    return (np.minimum(scaled - 128, 127).astype(np.int8).reshape(p.shape),)


def call(p: Softmax | WideSoftmax) -> Call:
    if isinstance(p, WideSoftmax):
        return wide_softmax.call(p)
    return Call(
        function="tinykd_softmax_s8",
        struct="tinykd_softmax",
        fields={
            "rows": p.rows,
            "depth": p.depth,
            "entries": int(p.exponentials.size),
            "exponentials": Table("int32_t", p.exponentials),
        },
        source="softmax.c",
    )


def macs(_: Softmax | WideSoftmax) -> int:
    return 0


def distances(_: Softmax | WideSoftmax) -> tuple[int | None, ...]:
    """A row is read three times, the last time element by element as it is written."""
    return (0,)


def cases(rng: np.random.Generator) -> Case:
    if rng.random() < 0.25:
        return wide_softmax.case(rng, SoftmaxOptions)
    shape = tuple(int(size) for size in (*rng.integers(1, 4, int(rng.integers(0, 4))), rng.choice([1, 2, 3, 10, 12, 33, 100, 300])))
    x = sampling.int8(rng, shape)
    x[rng.random(shape[:-1]) < 0.2] = int(rng.integers(-128, 128))  # rows of equal values
    scale = float(np.float32(np.exp(rng.uniform(np.log(1e-4), np.log(2.0)))))
    beta = float(np.float32(rng.choice([1.0, 1.0, 1.0, 0.5, 3.0])))
    tensors = [
        Tensor("input", shape, "int8", Quant((scale,), (int(rng.integers(-128, 128)),))),
        Tensor("output", shape, "int8", Quant((1 / 256,), (-128,))),
    ]
    return sampling.single("SOFTMAX", SoftmaxOptions(beta), tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="SOFTMAX",
    code=25,
    options_code=9,
    options=SoftmaxOptions,
    summary="softmax of int8 or int16 along the last axis, any beta",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
