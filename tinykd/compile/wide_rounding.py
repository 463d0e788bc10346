"""Integer multipliers that provably round wide sums like LiteRT's FULLY_CONNECTED of int16, which multiplies by a float64 scale.

A sum of int16 inputs has over 30 bits and reaches up to 65,535 different outputs, so 31 bits of the scale are too few to
tell on which side of every half a product lies. Here a scale has up to 62, in two parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64
from tinykd.compile.graph import Array
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True, eq=False)
class WideMultipliers:
    """scale = (high + low / 2**bits) / 2**shift, for each channel.

    Attributes:
        bits: of each part; a sum times a part stays below 2**62.
    """

    bits: int
    high: Array
    low: Array
    shifts: Array

    def requantize(self, sums: Int64) -> Int64:
        """round(sums * scale), ties away from zero, for sums [..., channels]."""
        magnitude = np.abs(sums)
        whole = magnitude * self.high.astype(np.int64) + ((magnitude * self.low.astype(np.int64)) >> self.bits)
        right = self.shifts.astype(np.int64)
        return np.asarray(np.sign(sums) * ((whole + (np.int64(1) << (right - 1))) >> right), np.int64)


def wide_multipliers(scales: Sequence[float], bounds: Int64, largest: int, label: str) -> WideMultipliers:
    """Multipliers whose `requantize` equals round(sum * scale) in float64 for every sum within `bounds`.

    Both grow with the sum's magnitude, so they agree everywhere if they agree on both sides of each magnitude where the
    float64 result reaches the next output. Those are all checked; where the nearest significand fails, they say which
    would do.

    Args:
        scales: real multiplier of each channel.
        bounds: [channels] the largest magnitude of a sum, below 2**47.
        largest: magnitude of an output; what lies beyond is clamped.
        label: the operator, for the message.

    Raises:
        UnsupportedModel: no significand agrees with float64 everywhere.
    """
    bits = min(31, 62 - int(bounds.max(initial=1)).bit_length())
    found = [_multiplier(scale, int(bound), largest, bits, f"{label}: channel {k}") for k, (scale, bound) in enumerate(zip(scales, bounds))]
    high, low, shifts = (np.array([part[k] for part in found], np.int32) for k in range(3))
    return WideMultipliers(bits, high, low, shifts)


def _multiplier(scale: float, bound: int, largest: int, bits: int, label: str) -> tuple[int, int, int]:
    mantissa, exponent = np.frexp(scale)
    shift = bits - int(exponent)
    if shift > 62:  # every product is below a half
        return 0, 0, 1
    if shift < 1:
        raise UnsupportedModel(f"{label} has a multiplier of {scale:.3g}", "quantize the output on a coarser scale")
    reached = np.arange(1, min(largest, int(bound * scale) + 1) + 1, dtype=np.int64)
    first = _first_magnitudes(scale, bound, reached)
    significand = int(float(mantissa) * 2.0**53) << 2 * bits >> 53
    high, low = _parts(significand, bits)
    one = WideMultipliers(bits, np.array(high), np.array(low), np.array(shift))
    if np.all((one.requantize(first) >= reached)[first <= bound]) and np.all(one.requantize(first - 1) < reached):
        return high, low, shift
    least, most = _significands(first, reached, bound, bits + shift)
    if least > min(most, (1 << 2 * bits) - 1):
        raise UnsupportedModel(f"{label} rounds differently in float64 than with any {2 * bits}-bit multiplier (scale {scale!r})")
    return (*_parts(min(max(significand, least), most), bits), shift)


def _parts(significand: int, bits: int) -> tuple[int, int]:
    return significand >> bits, significand & ((1 << bits) - 1)


def _significands(first: Int64, reached: Int64, bound: int, fraction_bits: int) -> tuple[int, int]:
    """The least and the largest significand that round up at each of `first` and down just before it."""
    least, most = 0, 1 << 62
    for magnitude, output in zip(first.tolist(), reached.tolist()):
        half = (2 * output - 1) << (fraction_bits - 1)
        if magnitude <= bound:
            least = max(least, -(-half // magnitude))
        if magnitude > 1:
            most = min(most, -(-half // (magnitude - 1)) - 1)
    return least, most


def _first_magnitudes(scale: float, bound: int, reached: Int64) -> Int64:
    """The least magnitude up to `bound` whose float64 result is at least `reached`; bound + 1 where none is."""
    guess = np.clip(np.round((reached - 0.5) / scale), 0, bound + 1.0).astype(np.int64)
    nearby = guess[:, None] + np.arange(-1, 3)
    scaled = nearby * scale
    enough = np.floor(scaled) + (scaled - np.floor(scaled) >= 0.5) >= reached[:, None]
    first = np.where(enough.any(axis=1), guess - 1 + np.argmax(enough, axis=1), bound + 1)
    return np.asarray(np.clip(first, 1, bound + 1), np.int64)
