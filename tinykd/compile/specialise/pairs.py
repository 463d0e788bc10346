"""Filters two at a time, as `tinykd/dot.h` multiplies them: h = 256 * g + f in a halfword."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64
from tinykd.compile.graph import Array
from tinykd.compile.ops.weighted import Weighted

STEP = 4
"""Taps that are multiplied together."""

_ORDER = [0, 2, 1, 3]
"""Of the taps of a step: SXTB16 takes bytes 0 and 2 out of a word, then 1 and 3."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """A layer's filters in pairs (f, g); a last one without a partner has a g of zeros.

    Attributes:
        weights: int8 [pairs, steps, 8], the bytes of halfwords h.
        starts: int32 [pairs, 2], what the sums of h and of f start from, the input's zero point folded into them.
    """

    weights: Array
    starts: Array

    @property
    def steps(self) -> int:
        return int(self.weights.shape[1])


def pairs(p: Weighted, filters: Array, biases: Array) -> Pairs | None:
    """Filters [channels, taps] over the inputs of `p`, or None where a weight or a sum leaves its bits.

    A weight of -128 may not fit; converters do not make it. The sum of h must end within 32 bits.
    """
    weights = packed(filters)
    taps = np.pad(filters.astype(np.int64), ((0, filters.shape[0] % 2), (0, 0)))
    bias = np.pad(biases.astype(np.int64), (0, filters.shape[0] % 2))
    low, high = sum_range(taps, bias, p.input_zero_point)
    if weights is None or _exceeds(256 * low[1::2] + low[0::2], 31) or _exceeds(256 * high[1::2] + high[0::2], 31):
        return None
    folded = bias - p.input_zero_point * taps.sum(axis=1)
    starts = np.stack([256 * folded[1::2] + folded[0::2], folded[0::2]], axis=1)
    return Pairs(weights, starts.astype(np.int32))


def packed(filters: Array) -> Array | None:
    """int8 [pairs, steps, 8] of filters [channels, taps]; None where some h is no halfword."""
    taps = np.pad(filters.astype(np.int64), ((0, filters.shape[0] % 2), (0, -filters.shape[1] % STEP)))
    halves = 256 * taps[1::2] + taps[0::2]
    if _exceeds(halves, 15):
        return None
    return np.ascontiguousarray(halves.astype("<i2").reshape(len(halves), -1, STEP)[:, :, _ORDER]).view(np.int8)


def steps_that_fit(weights: Array) -> int:
    """How many steps of packed weights [pairs, steps, 8] in a row keep the sum of h within 32 bits, whatever the inputs: all, or fewer."""
    magnitudes = 128 * np.abs(weights.view("<i2").astype(np.int64)).sum(axis=2)
    steps = magnitudes.shape[1]
    while True:
        runs = np.add.reduceat(magnitudes, np.arange(0, magnitudes.shape[1], steps), axis=1)
        if not _exceeds(runs, 31):
            return int(steps)
        steps = -(-steps // 2)


def sum_range(taps: Int64, bias: Int64, zero_point: int) -> tuple[Int64, Int64]:
    """[channels] the least and the greatest sum over all inputs from -128 to 127."""
    below, above = -128 - zero_point, 127 - zero_point
    negative, positive = np.minimum(taps, 0).sum(axis=1), np.maximum(taps, 0).sum(axis=1)
    return bias + positive * below + negative * above, bias + positive * above + negative * below


def _exceeds(values: Int64, bits: int) -> bool:
    """Whether some value does not fit `bits` bits and a sign."""
    return bool((values < -(1 << bits)).any() or (values >= 1 << bits).any())
