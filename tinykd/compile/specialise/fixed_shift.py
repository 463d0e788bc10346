"""How kernels with 16-bit weights turn sums into outputs: the numbers of `tinykd/finish_fixed.h`.

Weights and biases are multiplied by a power of two for each channel: by 4, which makes a floor of what is rounded twice, or by
as much as makes the last shift the same constant for all channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, requantize
from tinykd.compile.graph import Array
from tinykd.compile.ops.weighted import Weighted

SHIFT = 10
"""The constant. Channels with shifts of 3 to 9 to the right become it exactly; more is proved for each channel, less is refused."""

_LARGEST_SHIFT = 21
"""To the right, of channels with shifts of their own: their offsets stay below 2^31."""

_LARGEST_SCALE = 8
"""int8 weights times 2^8 fit 16 bits."""

_LARGEST_SUM = (1 << 31) - 1


@dataclass(frozen=True, eq=False)
class WideWeights:
    """Weights and bias scaled, and how their sums become outputs.

    Attributes:
        weights: int16, as they were but times a power of two for each channel.
        bias: [channels], scaled.
        multipliers, offsets, away, shifts: [channels], see `tinykd/finish_fixed.h`.
        rectified: whether all negative sums come out at the lower limit of the clamp, whatever their rounding.
    """

    weights: Array
    bias: Array
    multipliers: Array
    offsets: Array
    away: Array
    shifts: Array
    rectified: bool

    def raw_bias(self, input_zero_point: int, axes: tuple[int, ...]) -> Array:
        """[channels] the bias for inputs as they are, their zero point not subtracted."""
        weights = self.weights.astype(np.int64).sum(axis=axes)
        return np.asarray(self.bias - input_zero_point * weights, np.int32)


def fixed_shift(p: Weighted, axes: tuple[int, ...]) -> WideWeights | None:
    """The numbers for `p` with one shift for all channels, or None where they do not exist.

    Args:
        axes: of the weights, all but the output channels, which must come last.
    """
    return _wide_weights(p, axes, np.full_like(p.shifts, SHIFT))


def own_shifts(p: Weighted, axes: tuple[int, ...]) -> WideWeights | None:
    """The same with a shift for each channel."""
    return _wide_weights(p, axes, np.clip(1 - p.shifts, 2, _LARGEST_SHIFT + 1))


def _wide_weights(p: Weighted, axes: tuple[int, ...], shifts: Array) -> WideWeights | None:
    w = p.weights.astype(np.int64)
    low, high = _reach(p, w, axes)
    lowest, highest = _specified(p, low), _specified(p, high)
    constant = lowest == highest
    right, shifts = -p.shifts.astype(np.int64), shifts.astype(np.int64)
    near = np.minimum(right, shifts - 1)
    scale = np.where(constant, 0, shifts + 1 - near)
    if (scale > _LARGEST_SCALE).any():
        return None
    fraction = np.int64(1) << np.where(constant, 0, shifts - near)
    offsets = (2 * p.output_zero_point + 1) * (np.int64(1) << (shifts - 1)) + fraction // 2
    made = WideWeights(
        weights=np.where(constant, 0, w << scale).astype(np.int16),
        bias=np.where(constant, 0, p.bias.astype(np.int64) << scale),
        multipliers=np.where(constant, 0, p.multipliers.astype(np.int64) >> (right - near).clip(0, 31)).astype(np.int32),
        offsets=np.where(constant, lowest << shifts, offsets).astype(np.int32),
        away=np.where(constant, 0, fraction).astype(np.int32),
        shifts=shifts,
        rectified=p.output_zero_point <= p.clamp[0] or not (low < 0).any(),
    )
    largest = np.abs(made.bias) + 2 * 255 * np.abs(made.weights.astype(np.int64)).sum(axis=axes)
    if int(largest.max(initial=0)) > _LARGEST_SUM:
        return None
    return made if _proved(p, made, low, high, scale, ~constant & (right > near)) else None


def _reach(p: Weighted, w: Int64, axes: tuple[int, ...]) -> tuple[Int64, Int64]:
    """[channels] the least and the largest sum, bias included."""
    below, above = w * (-128 - p.input_zero_point), w * (127 - p.input_zero_point)
    bias = p.bias.astype(np.int64)
    return bias + np.minimum(below, above).sum(axis=axes), bias + np.maximum(below, above).sum(axis=axes)


def _specified(p: Weighted, sums: Int64) -> Int64:
    """Outputs for sums [..., channels], bias included."""
    return np.asarray(np.clip(requantize(sums, p.multipliers, p.shifts) + p.output_zero_point, *p.clamp), np.int64)


def _computed(p: Weighted, made: WideWeights, scale: Int64, sums: Int64) -> Int64:
    """The same by `tinykd/finish_fixed.h`."""
    away = made.away * (sums < 0) * (not made.rectified)
    raised = (((sums << scale) * made.multipliers >> 32) + made.offsets - away) >> made.shifts
    return np.asarray(np.clip(np.clip(raised, -128, 127), *p.clamp), np.int64)


def _proved(p: Weighted, made: WideWeights, low: Int64, high: Int64, scale: Int64, inexact: Array) -> bool:
    """Both formulas never decrease: if they agree on both sides of each sum where the output steps, they agree everywhere.

    Only the `inexact` channels, whose multiplier was cut, need a proof.
    """
    outputs = np.arange(p.clamp[0] + 1, p.clamp[1] + 1, dtype=np.int64)[:, None]
    least = np.broadcast_to(low, (len(outputs), len(low))).copy()  # bisect for the least sum with at least that output
    most = np.broadcast_to(high + 1, least.shape).copy()
    while inexact.any() and (least < most).any():
        middle = (least + most) >> 1
        reached = _specified(p, middle) >= outputs
        most, least = np.where(reached, middle, most), np.where(reached, least, np.minimum(middle + 1, most))
    for sums in (low[None], high[None], np.clip(least, low, high), np.clip(least - 1, low, high)):
        if (inexact & (_computed(p, made, scale, sums) != _specified(p, sums))).any():
            return False
    return True
