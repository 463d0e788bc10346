"""How the faster kernels turn sums into outputs: tables for `tinykd/finish.h`, each proved equal to the specification.

Both roundings of the specification are non-decreasing functions of a sum, so a formula that agrees on both sides of each of
the at most 255 sums where the output steps agrees everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tinykd.compile.fixed_point import Int64, requantize, requantize_once
from tinykd.compile.ops.weighted import Weighted

LARGEST_SUM = 1 << 30
LARGEST_SHIFT = 21
"""Of what `tinykd/finish.h` names `s1`: one less than the shift to the right."""

P = TypeVar("P", bound=Weighted)


def rounded_twice(p: P, axes: tuple[int, ...]) -> P | None:
    """`p` as `tinykd_finish_twice_s8` takes it: sums below 2^30 and `shifts` that are its `s1`, 0 to 21; None if that cannot be.

    A filter of zeros gives a constant, whatever scale and bias the converter noted for it, and so does one whose scale is so small
    that no sum leaves one output. A constant gets other numbers, and zeros for weights.

    Args:
        axes: of the weights, all but the output channels.
    """
    magnitudes = np.abs(p.weights.astype(np.int64)).sum(axis=axes)
    small = magnitudes * 255 + np.abs(p.bias.astype(np.int64)) < LARGEST_SUM
    other = ~small | (p.shifts > -1) | (p.shifts < -LARGEST_SHIFT - 1)
    reach = np.where(small, magnitudes * 255, 0)
    lowest, highest = (requantize(p.bias + sign * reach, p.multipliers, p.shifts) for sign in (-1, 1))
    if (other & ((lowest != highest) | (~small & (magnitudes != 0)))).any():
        return None
    # 4k * 2^30 / 2^31 is 2k, and 2k shifted by 1 is k; what the clamp cuts off anyway is cut off here
    constants = np.clip(lowest, -512, 512)
    return replace(
        p,
        weights=np.where(np.expand_dims(other, axes), 0, p.weights).astype(p.weights.dtype),
        bias=np.where(other, 4 * constants, p.bias).astype(np.int32),
        multipliers=np.where(other, 1 << 30, p.multipliers).astype(np.int32),
        shifts=np.where(other, 0, -p.shifts - 1).astype(np.int32),
    )


_BIASES = np.array(sorted(range(-4096, 4097), key=abs), np.int64)
"""What is added to a bias so that its product with the multiplier comes near a multiple of 2^32; the smallest first."""


@dataclass(frozen=True, eq=False)
class Floors:
    """Numbers of `tinykd_finish_floor_s8`, [channels] each.

    Attributes:
        biases: what to add to the sums.
        multipliers, shifts, offsets: its `multiplier`, `s1` and `offset`.
    """

    biases: Int64
    multipliers: Int64
    shifts: Int64
    offsets: Int64


Range = tuple[Int64, Int64]
"""[channels] the least sum and the greatest."""


def rounded_once(multipliers: Int64, shifts: Int64, sums: Range, zero_point: int, clamp: tuple[int, int]) -> Floors | None:
    """`requantize_once` and a zero point as floors, or None where a channel has none.

    The output reaches o = k + zero_point at a least sum T. The floor (sum * m + C) >> (32 + s1) does so too if

        T * m + C >= o << (32 + s1) > (T - 1) * m + C

    which leaves an interval for C, over all outputs. The instruction adds multiples of 2^32 only, so C is one of them plus the
    product of m and a small integer, which goes into the bias.

    Args:
        multipliers, shifts: [channels] as `requantize_once` takes them.
        clamp: of the output; both ends of it are left to the caller, who clamps.
    """
    ends = [np.clip(requantize_once(end, multipliers, shifts) + zero_point, *clamp) for end in sums]
    constant = ends[0] == ends[1]
    m, right = multipliers.astype(np.int64)[:, None], 31 - shifts.astype(np.int64)[:, None]
    fits = (right >= 32) & (right <= 32 + LARGEST_SHIFT) & (m > 0)
    if not (constant | fits[:, 0]).all():
        return None
    m, right = np.where(fits, m, 1), np.where(fits, right, 32)
    k = np.arange(clamp[0] + 1, clamp[1] + 1, dtype=np.int64) - zero_point
    first = -(-((k << right) - (np.int64(1) << (right - 1)) + (k <= 0)) // m)
    low, high, reached = sums[0][:, None], sums[1][:, None], (k + zero_point) << right
    least = np.where(first > high, -(1 << 62), reached - np.maximum(first, low) * m).max(axis=1, initial=-(1 << 62))
    below = np.where(first <= low, 1 << 62, reached - np.minimum(first - 1, high) * m).min(axis=1, initial=1 << 62)
    # a constant is its own offset: nothing is added to it, and nothing shifted out
    found = [
        (0, 0, 0, int(end)) if same else _floor(int(from_), int(to), int(n), int(bits) - 32)
        for end, same, from_, to, n, bits in zip(ends[0], constant, least, below, m[:, 0], right[:, 0])
    ]
    if None in found:
        return None
    return Floors(*np.array(found, np.int64).reshape(-1, 4).T)


def _floor(least: int, most: int, multiplier: int, s1: int) -> tuple[int, int, int, int] | None:
    """(bias, multiplier, s1, offset) with least <= bias * multiplier + (offset << 32) < most."""
    offsets = -((_BIASES * multiplier - least) >> 32)
    good = np.flatnonzero(_BIASES * multiplier + (offsets << 32) < most)
    if good.size == 0 or abs(int(offsets[good[0]])) >= LARGEST_SUM:
        return None
    return int(_BIASES[good[0]]), multiplier, s1, int(offsets[good[0]])
