"""Integer multipliers that provably round like LiteRT's FULLY_CONNECTED, which multiplies by a float64 scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinykd.compile.fixed_point import Int64, quantize_multiplier, requantize_once
from tinykd.compile.graph import Array
from tinykd.errors import UnsupportedModel

_NUDGES = (0, *(sign * step for step in range(1, 257) for sign in (1, -1)))
"""Distances from the nearest Q31 significand that are tried, closest first."""


def multipliers(scales: Sequence[float], bounds: Array, outputs: tuple[int, int], label: str) -> list[tuple[int, int]]:
    """One (significand, shift) per channel such that `requantize_once` equals round(accumulator * scale) in float64.

    Both sides grow with the accumulator, so they agree everywhere if they agree on both sides of each of the at most
    255 accumulators where the float64 result reaches the next output integer. Those are all checked; where the
    nearest significand fails, its neighbours are tried.

    Args:
        scales: real multiplier of each channel, float64.
        bounds: [channels] the largest magnitude that the channel's accumulator can reach.
        outputs: lowest and highest output that the clamp leaves, before the zero point is added.
        label: the operator, for the message.

    Raises:
        UnsupportedModel: no significand agrees with float64 everywhere.
    """
    reached = np.arange(outputs[0] + 1, outputs[1] + 1, dtype=np.int64)
    return [
        _multiplier(scale, int(bound), reached, f"{label}: channel {channel}") for channel, (scale, bound) in enumerate(zip(scales, bounds))
    ]


def _multiplier(scale: float, bound: int, reached: Int64, label: str) -> tuple[int, int]:
    first = _first_accumulators(scale, bound, reached)
    inside, after = first <= bound, first > -bound
    significand, shift = quantize_multiplier(scale)
    for nudge in _NUDGES:
        candidate = significand + nudge
        if not 0 <= candidate < 1 << 31:
            continue
        at, below = requantize_once(first, candidate, shift), requantize_once(first - 1, candidate, shift)
        if np.all((at >= reached)[inside]) and np.all((below < reached)[after]):
            return candidate, shift
    raise UnsupportedModel(
        f"{label} rounds differently in float64 than with any 31-bit multiplier (scale {scale!r})",
        "use --rounding double, which equals TFLite Micro",
    )


def _first_accumulators(scale: float, bound: int, reached: Int64) -> Int64:
    """The least accumulator in [-bound, bound] whose float64 result is at least `reached`; bound + 1 where none is."""
    guess = np.clip(np.round((reached - 0.5) / scale), -bound - 1.0, bound + 1.0).astype(np.int64)
    nearby = guess[:, None] + np.arange(-2, 4)
    scaled = nearby * scale
    whole = np.trunc(scaled)
    rounded = whole + np.where(np.abs(scaled - whole) >= 0.5, np.sign(scaled), 0.0)
    offset = np.argmax(rounded >= reached[:, None], axis=1)
    never = ~np.any(rounded >= reached[:, None], axis=1)
    first = np.where(never, bound + 1, guess - 2 + offset)
    return np.asarray(np.clip(first, -bound, bound + 1), np.int64)
