"""ADD and SUB with Helium: two factors, an offset and a shift that give the same bytes as the specification for every pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, Int64, requantize
from tinykd.compile.ops.add import ScaledOperand, Sum
from tinykd.compile.ops.operator import Call

_BYTES = np.arange(-128, 128, dtype=np.int64)
_NUDGES = (0, 1, -1, 2, -2, 3, -3)
"""Distances from the nearest factors that are tried, closest first."""

_LARGEST_SHIFT = 24


@dataclass(frozen=True)
class WeightedSum:
    """(a * a_factor + b * b_factor + offset) >> shift."""

    a_factor: int
    b_factor: int
    offset: int
    shift: int


def add(p: Any) -> Call | None:
    """Two tensors of one shape."""
    return _call(p, 1) if isinstance(p, Sum) else None


def sub(p: Any) -> Call | None:
    """Two tensors of one shape."""
    return _call(p, -1) if isinstance(p, Sum) else None


def _call(p: Sum, sign: int) -> Call | None:
    if p.dtype != "int8" or p.loops.sizes[:-1] != (1, 1, 1) or not p.loops.a_steps[-1] == p.loops.b_steps[-1] == 1:
        return None
    found = weighted_sum(p, sign)
    if found is None:
        return None
    return Call(
        function="tinykd_weighted_sum_mve_s8",
        struct="tinykd_weighted_sum_mve",
        fields={"elements": p.loops.sizes[-1], **vars(found), "clamp_low": p.clamp[0], "clamp_high": p.clamp[1]},
        source="mve/weighted_sum.c",
        inputs=(0, 1),
        distances=(0, 0),
    )


def weighted_sum(p: Sum, sign: int) -> WeightedSum | None:
    """The integers that equal a + sign * b on all 65536 pairs of bytes, or None where none were found."""
    raised = p.a(_BYTES)[:, None] + sign * p.b(_BYTES)[None, :]
    wanted = np.clip(requantize(raised, p.output_multiplier, p.output_shift) + p.output_zero_point, *p.clamp)
    for shift, a_factor, b_factor in _factors(p, sign):
        values = _BYTES[:, None] * a_factor + _BYTES[None, :] * b_factor
        if int(np.abs(values).max()) > INT32_MAX:
            continue
        offset = _offset(values, wanted, shift, p.clamp)
        if offset is not None and int(np.abs(values + offset).max()) <= INT32_MAX and abs(offset) <= INT32_MAX:
            return WeightedSum(a_factor, b_factor, offset, shift)
    return None


def _factors(p: Sum, sign: int) -> Iterator[tuple[int, int, int]]:
    """(shift, a_factor, b_factor), the most precise first."""
    output = p.output_multiplier * 2.0 ** (p.output_shift - 31)
    a, b = _real(p.a) * output, sign * _real(p.b) * output
    for shift in range(_LARGEST_SHIFT, _LARGEST_SHIFT - 8, -1):
        nearest = round(a * 2**shift), round(b * 2**shift)
        if sum(map(abs, nearest)) < 1 << 24:  # of bytes, so that sums fit 32 bits
            yield from ((shift, nearest[0] + i, nearest[1] + j) for i in _NUDGES for j in _NUDGES)


def _real(operand: ScaledOperand) -> float:
    return float(operand.multiplier * 2.0 ** (operand.shift - 31 + operand.left_shift))


def _offset(values: Int64, wanted: Int64, shift: int, clamp: tuple[int, int]) -> int | None:
    """An offset for which (values + offset) >> shift, clamped, is `wanted`; None if none exists.

    For each output k above the least, every value that gives at least k must reach k << shift, and none of the others.
    """
    low, high = clamp
    least, most = np.full(high - low + 1, 1 << 40, np.int64), np.full(high - low + 1, -(1 << 40), np.int64)
    np.minimum.at(least, (wanted - low).ravel(), values.ravel())
    np.maximum.at(most, (wanted - low).ravel(), values.ravel())
    at_least = np.minimum.accumulate(least[::-1])[::-1][1:]
    below = np.maximum.accumulate(most)[:-1]
    steps = np.arange(low + 1, high + 1, dtype=np.int64) << shift
    lowest = int(np.max(steps - at_least, initial=-(1 << 39)))
    highest = int(np.min(steps - below - 1, initial=1 << 39))
    return (lowest + highest) >> 1 if lowest <= highest else None
