"""Requantization against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykd.compile import single_rounding
from tinykd.compile.fixed_point import INT32_MAX, quantize_multiplier, requantize, requantize_once
from tinykd.errors import UnsupportedModel


def half_away(value: Fraction) -> int:
    """round(value), ties away from zero."""
    return int(math.copysign(math.floor(abs(value) + Fraction(1, 2)), value)) if value else 0


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (0.5, (1 << 30, 0)),
        (1.0, (1 << 30, 1)),
        (0.75, (3 << 29, 0)),
        (1 - 2.0**-53, (1 << 30, 1)),  # rounds up to 2**31, which moves into the shift
        (2.0**-33, (0, 0)),  # below the smallest shift
        (2.0**31, (INT32_MAX, 30)),  # beyond the largest shift
    ],
)
def test_multiplier_of_known_values(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


@given(st.integers(-(1 << 31) + 1, INT32_MAX), st.integers(1 << 30, INT32_MAX), st.integers(-30, 0))
def test_double_rounding_is_two_half_away_roundings(x: int, multiplier: int, shift: int) -> None:
    high = half_away(Fraction(x * multiplier, 1 << 31))
    # gemmlowp's nudge of 1 - 2**30 makes negative ties of the high multiply round up, towards zero
    if x * multiplier < 0 and (2 * -x * multiplier) % (1 << 31) == 0 and ((2 * -x * multiplier) >> 31) % 2 == 1:
        high += 1
    assert int(requantize(x, multiplier, shift)) == half_away(Fraction(high, 1 << -shift))


@given(st.integers(-(1 << 31) + 1, INT32_MAX), st.integers(0, INT32_MAX), st.integers(-31, 0))
def test_single_rounding_is_one_half_away_rounding(x: int, multiplier: int, shift: int) -> None:
    assert int(requantize_once(x, multiplier, shift)) == half_away(Fraction(x * multiplier, 1 << (31 - shift)))


def in_float64(accumulators: np.ndarray, scale: float) -> np.ndarray:
    """C's `(int32_t)round((double)accumulator * scale)`."""
    return np.array([half_away(Fraction(float(a) * scale)) for a in accumulators], np.int64)


float32_scales = st.floats(2.0**-10, 1.0, width=32)


@given(float32_scales, float32_scales, float32_scales, st.integers(1, 3000))
def test_single_multiplier_agrees_with_float64_at_every_accumulator(a: float, b: float, c: float, bound: int) -> None:
    """Scales as models have them: two float32 values multiplied in float64 and divided by a third."""
    scale = a * b / c
    if not 2.0**-20 < scale < 1:
        return
    ((multiplier, shift),) = single_rounding.multipliers([scale], np.array([bound]), (-255, 255), "layer")
    accumulators = np.arange(-bound, bound + 1)
    want = np.clip(in_float64(accumulators, scale), -255, 255)
    np.testing.assert_array_equal(np.clip(requantize_once(accumulators, multiplier, shift), -255, 255), want)


def test_single_multiplier_agrees_at_planted_ties() -> None:
    """Powers of two make every second accumulator a tie; float32 scales as models hold them come close to ties."""
    rng = np.random.default_rng(0)
    scales = [2.0**-k for k in range(1, 12)]
    scales += [float(np.float32(a)) * float(np.float32(b)) / float(np.float32(c)) for a, b, c in rng.uniform(0.001, 0.1, (40, 3))]
    bounds = np.full(len(scales), 40000)
    accumulators = np.arange(-40000, 40001)
    for scale, (multiplier, shift) in zip(scales, single_rounding.multipliers(scales, bounds, (-255, 255), "layer"), strict=True):
        # numpy's own rounding would be half to even: floor(|x| + 1/2) is exact for these magnitudes
        product = accumulators * scale
        want = np.clip(np.sign(product) * np.floor(np.abs(product) + 0.5), -255, 255)
        np.testing.assert_array_equal(np.clip(requantize_once(accumulators, multiplier, shift), -255, 255), want)


def test_a_scale_no_multiplier_can_follow_is_refused() -> None:
    """35 * 0.7 is 24.5 in float64 and rounds up, 45 * 0.7 is 31.499999999999996 and rounds down: no slope does both."""
    assert (35 * 0.7, 45 * 0.7) == (24.5, 31.499999999999996)
    single_rounding.multipliers([0.7], np.array([44]), (-128, 127), "layer")
    with pytest.raises(UnsupportedModel, match="channel 0"):
        single_rounding.multipliers([0.7], np.array([45]), (-128, 127), "layer")
