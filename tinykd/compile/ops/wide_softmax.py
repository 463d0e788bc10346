"""SOFTMAX of int16: exp and the reciprocal as straight lines between 513 points each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import sampling
from tinykd.compile.ops.operator import Call, Case, Table
from tinykd.errors import UnsupportedModel

_LEFTMOST_SHIFT = 14
"""A difference of two int16 has 17 bits; shifted so far it stays within 32."""

_LONGEST_ROW = (1 << 16) - 1
"""So many exponentials of 1 fit 31 bits."""


@dataclass(frozen=True)
class WideSoftmax:
    """Integers of a softmax over rows of the last axis; the multiplier turns differences into steps of 10 / 65535."""

    shape: tuple[int, ...]
    multiplier: int
    shift: int


def _points(lowest: float, step: float, function: Callable[[float], float]) -> Array:
    """[513] `function` from `lowest` on in Q0.15, each point moved by half of its line's error at the middle.

    Source: LiteRT `LUTPopulateInt16` in float64.
    """
    unit = 65536 / (2 / 65535 * 32767 - 2 / 65535 * -32768)

    def away(x: float) -> float:
        return math.copysign(math.floor(abs(x) + 0.5), x)

    points = []
    for k in range(512):
        here, middle, after = (function(lowest + k * step), function(lowest + k * step + step / 2), function(lowest + (k + 1) * step))
        error = away((after * unit + away(here * unit)) / 2) - away(middle * unit)
        points.append(away(here * unit) - away(error / 2))
    points.append(away(function(lowest + 512 * step) * unit))
    return np.clip(points, -32768, 32767).astype(np.int16)


EXPONENTIALS = _points(10 / 65535 * -65535, (10 / 65535 * 0 - 10 / 65535 * -65535) / 512, math.exp)
"""exp from -10 to 0."""

RECIPROCALS = _points(0.0, 1 / 65535 * 65535 / 512, lambda x: 1 / (1 + x))
"""1 / (1 + x) from 0 to 1."""


def wide_softmax(graph: Graph, op: Op, source: Tensor, incoming: Quant, outgoing: Quant) -> WideSoftmax:
    """Source: LiteRT `SoftmaxPrepare`."""
    if abs(outgoing.scale * 32768 - 1) > 1e-3:
        raise UnsupportedModel(f"{graph.label(op)}: the output has scale {outgoing.scale}, not 1/32768")
    if not source.shape or not source.elements or source.shape[-1] > _LONGEST_ROW:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' {list(source.shape)} has no rows of 1 to {_LONGEST_ROW} values")
    real = float(np.float32(incoming.scale) * np.float32(op.options.beta)) / (10.0 / 65535.0)
    multiplier, shift = quantize_multiplier(real) if math.isfinite(real) and real > 0 else (0, _LEFTMOST_SHIFT + 1)
    if shift > _LEFTMOST_SHIFT:
        raise UnsupportedModel(f"{graph.label(op)} has beta {op.options.beta} for an input scale of {incoming.scale}")
    return WideSoftmax(source.shape, multiplier, shift)


def _interpolated(points: Array, x: Int64) -> Int64:
    """The line through the points around x, an int16, at x. Source: LiteRT `LUTLookup`."""
    values = points.astype(np.int64)
    index = 256 + (x >> 7)
    return np.asarray(values[index] + (((values[index + 1] - values[index]) * (x & 127) + 64) >> 7), np.int64)


def reference(p: WideSoftmax, inputs: Sequence[Array]) -> tuple[Array, ...]:
    rows = inputs[0].reshape(-1, p.shape[-1]).astype(np.int64)
    scaled = requantize(rows - rows.max(axis=1, keepdims=True), p.multiplier, p.shift)
    exponentials = _interpolated(EXPONENTIALS, np.clip(scaled + 32767, -32768, 32767))
    total = exponentials.sum(axis=1, keepdims=True)
    bits = np.floor(np.log2(total.astype(np.float64))).astype(np.int64)  # the sum is in [2**bits, 2**(bits + 1))
    mantissa = ((total << (30 - bits)) + (1 << 13)) >> 14
    inverse = _interpolated(RECIPROCALS, np.clip(mantissa - 3 * (1 << 15), -32768, 32767))
    outputs = (exponentials * inverse + (np.int64(1) << (bits - 1))) >> bits
    return (np.clip(outputs, 0, 32767).astype(np.int16).reshape(p.shape),)


def call(p: WideSoftmax) -> Call:
    return Call(
        function="tinykd_softmax_s16",
        struct="tinykd_softmax_s16",
        fields={
            "rows": math.prod(p.shape[:-1]),
            "depth": p.shape[-1],
            "multiplier": p.multiplier,
            "shift": p.shift,
            "exponentials": Table("int16_t", EXPONENTIALS),
            "reciprocals": Table("int16_t", RECIPROCALS),
        },
        source="softmax_s16.c",
    )


def case(rng: np.random.Generator, options: Callable[[float], object]) -> Case:
    """A test case; a fifth of the rows hold one value."""
    shape = tuple(int(size) for size in (*rng.integers(1, 4, int(rng.integers(0, 4))), rng.choice([1, 2, 3, 10, 33, 300])))
    x = sampling.integers(rng, shape, "int16")
    x[rng.random(shape[:-1]) < 0.2] = int(rng.integers(-32768, 32768))
    scale = float(np.float32(np.exp(rng.uniform(np.log(1e-7), np.log(1e-2)))))
    ends = [Tensor("input", shape, "int16", Quant((scale,), (0,))), Tensor("output", shape, "int16", Quant((1 / 32768,), (0,)))]
    return sampling.single("SOFTMAX", options(float(rng.choice([1.0, 1.0, 0.5, 3.0]))), ends, (0,), (1,), (x,))
