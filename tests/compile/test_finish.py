"""Requantization of the faster kernels, and filters in pairs, against the formulas that they replace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.compile.models import conv_then_dense
from tinykd.compile.fixed_point import requantize, requantize_once
from tinykd.compile.graph import Array
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.program import lower
from tinykd.compile.specialise.finish import LARGEST_SUM, Floors, rounded_once, rounded_twice
from tinykd.compile.specialise.pairs import STEP, packed, pairs, steps_that_fit, sum_range

CHANNELS = 24


def convolution() -> Conv2D:
    """A layer of 4 filters to change the integers of."""
    p = lower(conv_then_dense()).layers[0].parameters
    assert isinstance(p, Conv2D)
    return p


def twice(sums: Array, multipliers: Array, s1: Array, zero_point: int) -> Array:
    """`tinykd_finish_twice_s8`."""
    t = ((2 * sums * multipliers + (1 << 31)) >> 32) + ((2 * zero_point + 1) << s1) + (sums >> 31)
    assert np.abs(t).max() < 1 << 31
    return np.asarray(np.clip(t >> s1 >> 1, -128, 127))


def floors(sums: Array, f: Floors) -> Array:
    """`tinykd_finish_floor_s8`; channels along the first axis."""
    column = {name: values[:, None] for name, values in vars(f).items()}
    t = ((sums + column["biases"]) * column["multipliers"] >> 32) + column["offsets"]
    return np.asarray(np.clip(t >> column["shifts"], -128, 127))


def near_steps(multipliers: Array, shifts: Array) -> Array:
    """[channels, sums] at which an output may step, and their neighbours."""
    halves = (np.arange(-257, 258) - 0.5) * np.exp2(31.0 - shifts[:, None]) / multipliers[:, None]
    return np.asarray(np.round(halves).astype(np.int64)[:, :, None] + np.arange(-2, 3)).reshape(len(shifts), -1)


def test_two_roundings_in_one_shift() -> None:
    rng = np.random.default_rng(0)
    for shift in range(1, 23):
        multipliers = np.concatenate([[1 << 30, (1 << 31) - 1], rng.integers(1 << 30, 1 << 31, CHANNELS - 2)])
        shifts = np.full(CHANNELS, -shift)
        sums = np.concatenate([near_steps(multipliers, shifts), np.tile(np.arange(-4, 5), (CHANNELS, 1))], axis=1)
        sums = np.clip(sums, 1 - LARGEST_SUM, LARGEST_SUM - 1)
        for zero_point in (-128, -3, 0, 127):
            want = np.clip(requantize(sums, multipliers[:, None], shifts[:, None]) + zero_point, -128, 127)
            np.testing.assert_array_equal(twice(sums, multipliers[:, None], shifts[:, None] * -1 - 1, zero_point), want)


def test_filters_of_zeros_get_a_scale_that_fits() -> None:
    p = convolution()
    weights = p.weights.copy()
    weights[1] = 0
    odd = replace(p, weights=weights, shifts=np.array([-7, 2, -9, -8]), bias=np.array([1, 1_000_000, -5, 3], np.int32))
    finished = rounded_twice(odd, (1, 2, 3))
    assert finished is not None
    assert finished.shifts.tolist() == [6, 0, 8, 7]
    got = twice(finished.bias.astype(np.int64), finished.multipliers.astype(np.int64), finished.shifts, 0)
    want = np.clip(requantize(odd.bias, odd.multipliers, odd.shifts), -128, 127)
    np.testing.assert_array_equal(got, want)
    assert rounded_twice(replace(odd, shifts=np.array([2, 2, -9, -8])), (1, 2, 3)) is None, "a filter that is shifted to the left"


def test_a_filter_whose_sums_never_leave_one_output_is_a_constant() -> None:
    """Converters give filters of nearly nothing scales that no kernel could shift by."""
    p = convolution()
    small = replace(p, shifts=np.array([-7, -29, -9, -8]), bias=np.array([1, -70_000, -5, 3], np.int32))
    reach = 255 * int(np.abs(small.weights[1].astype(np.int64)).sum())
    for end in (-reach, reach):
        assert requantize(small.bias[1] + end, small.multipliers[1], small.shifts[1]) == 0
    finished = rounded_twice(small, (1, 2, 3))
    assert finished is not None
    assert not finished.weights[1].any()
    np.testing.assert_array_equal(finished.weights[[0, 2, 3]], small.weights[[0, 2, 3]])
    assert (finished.bias[1], finished.shifts[1]) == (0, 0)
    half = int(2.0 ** (28 + 31) / float(small.multipliers[1]))  # sums on both sides of a step
    steps = replace(small, bias=np.array([1, half, -5, 3], np.int32))
    assert requantize(half - reach, steps.multipliers[1], -29) != requantize(half + reach, steps.multipliers[1], -29)
    assert rounded_twice(steps, (1, 2, 3)) is None


@pytest.mark.parametrize("seed", range(12))
def test_one_rounding_as_a_floor(seed: int) -> None:
    rng = np.random.default_rng(seed)
    multipliers, shifts = rng.integers((1 << 30) + 1, 1 << 31, CHANNELS), -rng.integers(1, 15, CHANNELS)
    reach = rng.integers(0, 22, (2, CHANNELS))
    low, high = -(1 << reach[0]), 1 << reach[1]
    zero_point, clamp = [(-128, (-128, 127)), (5, (-128, 127)), (-30, (-30, 90)), (127, (-100, 127))][seed % 4]
    found = rounded_once(multipliers, shifts, (low, high), zero_point, clamp)
    assert found is not None
    sums = np.concatenate([near_steps(multipliers, shifts), rng.integers(low[:, None], high[:, None] + 1, (CHANNELS, 500))], axis=1)
    sums = np.clip(sums, low[:, None], high[:, None])
    want = np.clip(requantize_once(sums, multipliers[:, None], shifts[:, None]) + zero_point, *clamp)
    np.testing.assert_array_equal(np.clip(floors(sums, found), *clamp), want)


def test_no_floor_where_negative_halves_occur() -> None:
    """2^30 makes every other sum a half: the floor cannot round both signs of it away from zero."""
    one, sums = np.array([1 << 30]), (np.array([-4000]), np.array([4000]))
    assert rounded_once(one, np.array([-3]), sums, 0, (-128, 127)) is None
    assert rounded_once(one, np.array([-3]), sums, -128, (-128, 127)) is not None, "negative outputs are cut off"
    assert rounded_once(one, np.array([0]), sums, -128, (-128, 127)) is None, "nothing is left to shift"


def test_constants_have_any_scale() -> None:
    """Filters of zeros, and outputs that a clamp holds."""
    for shift, bias, want in ((5, 3, 49), (0, -1000, -100), (-29, 100, 1)):
        found = rounded_once(np.array([1 << 30]), np.array([shift]), (np.array([bias]), np.array([bias + (shift == 0)])), 1, (-100, 127))
        assert found is not None
        assert floors(np.array([[bias]]), found).item() == want


@pytest.mark.parametrize("taps", [1, 4, 7, 64])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_pairs_give_both_sums(taps: int, channels: int) -> None:
    rng = np.random.default_rng([taps, channels])
    p = replace(convolution(), input_zero_point=-17)
    filters, bias = rng.integers(-127, 128, (channels, taps)).astype(np.int8), rng.integers(-9000, 9000, channels)
    x = rng.integers(-128, 128, taps)
    paired = pairs(p, filters, bias)
    assert paired is not None
    assert paired.steps == -(-taps // STEP)
    words = paired.weights.view("<i2").astype(np.int64)[:, :, [0, 2, 1, 3]].reshape(len(paired.weights), -1)
    fed = np.pad(x, (0, -taps % STEP))
    a = (paired.starts[:, 0] + words @ fed + (1 << 31)) % (1 << 32) - (1 << 31)
    b = paired.starts[:, 1] + ((words + 128) % 256 - 128) @ fed
    assert ((a - b) % 256 == 0).all()
    want = filters.astype(np.int64) @ (x + 17) + bias
    np.testing.assert_array_equal(np.stack([b, (a - b) >> 8], axis=1).ravel()[:channels], want)
    low, high = sum_range(filters.astype(np.int64), bias, -17)
    assert ((low <= want) & (want <= high)).all()


def test_what_no_pair_holds() -> None:
    p = replace(convolution(), input_zero_point=0)
    none = np.zeros(2, np.int64)
    assert pairs(p, np.array([[3], [-128]], np.int8), none) is not None
    assert pairs(p, np.array([[-3], [-128]], np.int8), none) is None, "256 * -128 - 3 is no halfword"
    assert pairs(p, np.full((2, 500), 127, np.int8), none) is not None
    assert pairs(p, np.full((2, 600), 127, np.int8), none) is None, "256 * 600 * 127 * 128 is no word"


def test_runs_keep_sums_within_a_word() -> None:
    long = packed(np.full((4, 1200), 127, np.int8))
    assert long is not None
    steps = steps_that_fit(long)
    assert steps < 300
    assert steps * STEP * 128 * (256 * 127 + 127) < 1 << 31 < 2 * steps * STEP * 128 * (256 * 127 + 127)
    short = packed(np.full((4, 30), 127, np.int8))
    assert short is not None
    assert steps_that_fit(short) == short.shape[1]
