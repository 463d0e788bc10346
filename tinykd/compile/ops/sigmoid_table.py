"""LOGISTIC and TANH of int16: straight lines between 256 points of the logistic function, since tanh(x) = 2 * logistic(2x) - 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import libm
from tinykd.compile.fixed_point import Int64
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Table
from tinykd.errors import UnsupportedModel

_ONE_MORE = (
    4,
    8,
    12,
    14,
    15,
    16,
    17,
    19,
    20,
    21,
    22,
    25,
    27,
    28,
    29,
    30,
    31,
    33,
    34,
    35,
    37,
    39,
    40,
    41,
    43,
    44,
    45,
    46,
    49,
    50,
    54,
    62,
    63,
    64,
    66,
    82,
    86,
    93,
    100,
    103,
    112,
    116,
    135,
    255,
)
"""Entries of LiteRT's table that are one above the nearest integer."""


def _points() -> Array:
    values = np.floor(65536 / (1 + np.exp(-np.arange(256) / 24)) + 0.5).astype(np.int64)
    values[list(_ONE_MORE)] += 1
    return np.minimum(values, 65535).astype(np.uint16)


POINTS = _points()
"""[256] logistic(k / 24) in Q0.16."""


@dataclass(frozen=True)
class Sigmoid:
    """The function at x = q * multiplier / 2**shift on a scale of 1 / (3 * 4096), the output in Q0.15."""

    name: str
    shape: tuple[int, ...]
    multiplier: int
    shift: int


def sigmoid(graph: Graph, op: Op, source: Tensor, incoming: Quant, outgoing: Quant, *, left_shifts: Sequence[int]) -> Sigmoid:
    """Integers of LOGISTIC or TANH of int16.

    Source: LiteRT `SigmoidPrepare` and `TanhPrepare`.

    Args:
        left_shifts: of input scales 2**(shift - 12) that are multiplied exactly.
    """
    if _log2(outgoing.scale) != -15:
        raise UnsupportedModel(f"{graph.label(op)}: the output has scale {outgoing.scale}, not 2**-15")
    power = _log2(incoming.scale)
    if power is not None and power + 12 in left_shifts:
        return Sigmoid(op.kind, source.shape, 3 << (power + 12), 0)
    multiplier, shift = incoming.scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and shift <= 30:
        multiplier, shift = multiplier * 2.0, shift + 1
    if multiplier >= 1 << 15:
        raise UnsupportedModel(
            f"{graph.label(op)}: the input scale {incoming.scale:.3g} is above 2.66", "calibrate with representative data"
        )
    return Sigmoid(op.kind, source.shape, int(multiplier), shift)


def _log2(scale: float) -> int | None:
    """The exponent of a power of two, as near as LiteRT's `CheckedLog2` asks in float32."""
    logarithms = libm.evaluate("logf", np.array([scale, 2.0], np.float32))
    ratio = logarithms[0] * (np.float32(1) / logarithms[1])
    nearest = np.round(ratio)
    return int(nearest) if abs(ratio - nearest) < np.float32(1e-3) else None


def _between(x: Int64, bits: int) -> Int64:
    """The function of |x| in Q0.16 and `bits` more, from points 2**bits apart."""
    magnitude = np.abs(x)
    point, fraction = magnitude >> bits, magnitude & ((1 << bits) - 1)
    low = POINTS[np.minimum(point, 255)].astype(np.int64)
    high = POINTS[np.minimum(point + 1, 255)].astype(np.int64)
    return np.asarray(np.where(point >= 255, -1, (low << bits) + fraction * (high - low)), np.int64)


def logistic(x: Int64) -> Int64:
    """Source: LiteRT `reference_integer_ops::Logistic` of int16."""
    value = _between(x, 9)
    value = np.where(value < 0, 0x7FFF << 10, value)
    return np.asarray(np.where(x >= 0, value + (1 << 9), (1 << 25) - value + (1 << 9) - 1) >> 10, np.int64)


def tanh(x: Int64) -> Int64:
    """Source: LiteRT `reference_integer_ops::Tanh` of int16."""
    value = _between(x, 8)
    value = np.where(value < 0, 0xFFFF << 8, value) - (1 << 23)
    return np.asarray(np.where(x >= 0, value + (1 << 7), -value + (1 << 7) - 1) >> 8, np.int64)


_FUNCTIONS: dict[str, Callable[[Int64], Int64]] = {"LOGISTIC": logistic, "TANH": tanh}


def reference(p: Lookup | Sigmoid, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """LOGISTIC and TANH alike: int8 by its own table, int16 by this one."""
    if isinstance(p, Lookup):
        return lookup.reference(p, inputs)
    half = 1 << (p.shift - 1) if p.shift else 0
    x = (inputs[0].astype(np.int64) * p.multiplier + half) >> p.shift
    return (_FUNCTIONS[p.name](x).astype(np.int16),)


def call(p: Lookup | Sigmoid) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    return Call(
        function=f"tinykd_{p.name.lower()}_s16",
        struct="tinykd_sigmoid",
        fields={
            "elements": int(np.prod(p.shape)),
            "multiplier": p.multiplier,
            "shift": p.shift,
            "half": 1 << (p.shift - 1) if p.shift else 0,
            "points": Table("uint16_t", POINTS),
        },
        source=f"{p.name.lower()}_s16.c",
    )


def macs(_: Lookup | Sigmoid) -> int:
    return 0


def distances(_: Lookup | Sigmoid) -> tuple[int | None, ...]:
    """An element is read, then written: the output may lie on the input."""
    return (0,)


def case(rng: np.random.Generator, kind: str) -> Case:
    """A test case; half of the input scales are powers of two."""
    scale = 2.0 ** int(rng.integers(-16, -8)) if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(1e-7), np.log(2.0))))
    x = sampling.integers(rng, (4, 50), "int16")
    tensors = [
        Tensor("input", x.shape, "int16", Quant((float(np.float32(scale)),), (0,))),
        Tensor("output", x.shape, "int16", Quant((2.0**-15,), (0,))),
    ]
    return sampling.single(kind, None, tensors, (0,), (1,), (x,))
