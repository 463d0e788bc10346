"""Depthwise kernels with 16-bit weights: the numbers that finish their sums, and the windows that they take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests import kernels
from tests.firmware.test_access import measured_distance
from tinykd.compile.fixed_point import requantize
from tinykd.compile.graph import Quant, Tensor
from tinykd.compile.ops import OPERATORS, sampling
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D, DepthwiseConv2DOptions
from tinykd.compile.reader import read_model
from tinykd.compile.specialise import dsp_depthwise, fixed_shift
from tinykd.compile.writer import write_model

RELU = 1


def layer(rng: np.random.Generator, size: tuple[int, int], kernel: int, stride: int, padding: int, channels: int = 8) -> DepthwiseConv2D:
    """A depthwise layer with ReLU; the multipliers of its channels lie between 2^-9 and 2^-3, as those of trained networks do."""
    height, width = size
    out = [(n + stride - 1) // stride if padding == 0 else (n - kernel) // stride + 1 for n in size]
    scales = tuple(float(np.float32(scale)) for scale in np.exp2(rng.uniform(-8.9, -3.1, channels)))
    weights = rng.integers(-127, 128, (1, kernel, kernel, channels)).astype(np.int8)
    bias = rng.integers(-3000, 3000, channels).astype(np.int32)
    incoming, outgoing = Quant((1.0,), (int(rng.integers(-128, 128)),)), Quant((1.0,), (-128,))
    tensors = [
        Tensor("input", (1, height, width, channels), "int8", incoming),
        Tensor("weights", weights.shape, "int8", Quant(scales, (0,) * channels, 3), weights),
        Tensor("output", (1, *out, channels), "int8", outgoing),
        Tensor("bias", (channels,), "int32", Quant(scales, (0,) * channels, 0), bias),
    ]
    options = DepthwiseConv2DOptions(padding, stride, stride, 1, RELU, 1, 1)
    case = sampling.single("DEPTHWISE_CONV_2D", options, tensors, (0, 1, 3), (2,), ())
    graph = read_model(write_model(case.graph))
    return OPERATORS["DEPTHWISE_CONV_2D"].lower(graph, graph.ops[0], "single")  # type: ignore[no-any-return]


SIZES = [(2, 3), (3, 3), (4, 2), (5, 1), (6, 7), (7, 6), (3, 9), (9, 11)]


WINDOWS = [
    (kernel, size, stride, padding)
    for kernel in (3, 5, 7)
    for size in SIZES
    for stride in (1, 2)
    for padding in (0, 1)
    if padding == 0 or min(size) >= kernel
]
"""Kernel, size, stride, and SAME (0) or VALID (1) padding."""


@pytest.mark.parametrize(("kernel", "size", "stride", "padding"), WINDOWS)
def test_every_window_at_every_edge(kernel: int, size: tuple[int, int], stride: int, padding: int) -> None:
    rng = np.random.default_rng([kernel, *size, stride, padding])
    p = layer(rng, size, kernel, stride, padding)
    x = sampling.int8(rng, (1, *size, p.in_channels))
    for parameters in (p, replace(p, output_zero_point=-3), replace(p, output_zero_point=-3, clamp=(-3, 90))):
        call = dsp_depthwise.depthwise_conv_2d(parameters)
        assert call is not None
        (want,) = OPERATORS["DEPTHWISE_CONV_2D"].reference(parameters, [x])
        got = np.zeros_like(want)
        kernels.run(call, [x], [got])
        np.testing.assert_array_equal(got, want, err_msg=call.function)
        assert call.distances is not None
        (distance,) = call.distances
        assert distance is not None
        assert distance >= measured_distance(call, [x], 0, got)


def test_trained_3x3_layers_take_the_kernel_of_their_own() -> None:
    p = layer(np.random.default_rng(0), (6, 6), 3, 1, 0)
    taken = dsp_depthwise.depthwise_conv_2d(p)
    linear = dsp_depthwise.depthwise_conv_2d(replace(p, output_zero_point=-3))
    assert taken is not None
    assert taken.function == "tinykd_depthwise_3x3_dsp_s8"
    assert linear is not None
    assert linear.function == "tinykd_depthwise_pairs_dsp_s8", "negative sums are rounded away from zero"


def finished(made: fixed_shift.WideWeights, scale: Any, sums: Any) -> Any:
    """`tinykd_finish_wide_s8` in NumPy."""
    away = made.away * (sums < 0)
    return np.clip((((sums << scale) * made.multipliers >> 32) + made.offsets - away) >> made.shifts, -128, 127)


@pytest.mark.parametrize("shift", range(-21, 0))
def test_own_shifts_equal_the_specification_on_every_tie(shift: int) -> None:
    """Sums on both sides of each output's step and around zero, for the smallest and largest multipliers."""
    p = layer(np.random.default_rng(1), (3, 3), 3, 1, 0)
    count = p.in_channels
    multipliers = np.resize(np.array([1 << 30, (1 << 30) + 1, 1518500250, (1 << 31) - 1]), count)
    p = replace(p, multipliers=multipliers.astype(np.int64), shifts=np.full(count, shift), output_zero_point=5, clamp=(-128, 127))
    made = fixed_shift.own_shifts(p, (0, 1, 2))
    assert made is not None
    constant = made.multipliers == 0
    steps = (np.arange(-140, 140)[:, None] + 0.5) * 2.0**31 / multipliers * 2.0**-shift
    near = (np.round(steps)[:, None, :] + np.arange(-2, 3)[None, :, None]).reshape(-1, count).astype(np.int64)
    sums = np.clip(near, -(1 << 28), 1 << 28)
    want = np.clip(requantize(sums, p.multipliers, p.shifts) + p.output_zero_point, -128, 127)
    got = finished(made, 2, sums)
    np.testing.assert_array_equal(got[:, ~constant], want[:, ~constant])
