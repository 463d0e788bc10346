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
    taps = np.pad(filters.astype(np.int64), ((0, filters.shape[0] % 2), (0, -filters.shape[1] % STEP)))
    bias = np.pad(biases.astype(np.int64), (0, filters.shape[0] % 2))
    halves = 256 * taps[1::2] + taps[0::2]
    low, high = sum_range(taps, bias, p.input_zero_point)
    ends = 256 * np.stack([low, high])[:, 1::2] + np.stack([low, high])[:, 0::2]
    if _exceeds(halves, 15) or _exceeds(ends, 31):
        return None
    folded = bias - p.input_zero_point * taps.sum(axis=1)
    starts = np.stack([256 * folded[1::2] + folded[0::2], folded[0::2]], axis=1)
    ordered = halves.astype("<i2").reshape(len(halves), -1, STEP)[:, :, _ORDER]
    return Pairs(np.ascontiguousarray(ordered).view(np.int8), starts.astype(np.int32))


def sum_range(taps: Int64, bias: Int64, zero_point: int) -> tuple[Int64, Int64]:
    """[channels] the least and the greatest sum over all inputs from -128 to 127."""
    below, above = -128 - zero_point, 127 - zero_point
    negative, positive = np.minimum(taps, 0).sum(axis=1), np.maximum(taps, 0).sum(axis=1)
    return bias + positive * below + negative * above, bias + positive * above + negative * below


def _exceeds(values: Int64, bits: int) -> bool:
    """Whether some value does not fit `bits` bits and a sign."""
    return bool((values < -(1 << bits)).any() or (values >= 1 << bits).any())
