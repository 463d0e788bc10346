"""Kernels for cores without SIMD: what is loaded into a register serves several products, and zero points cost nothing in loops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops import access
from tinykd.compile.ops import conv_2d as portable_conv_2d
from tinykd.compile.ops import depthwise_conv_2d as portable_depthwise
from tinykd.compile.ops import fully_connected as portable_dense
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.specialise import finish
from tinykd.compile.specialise.short import LARGEST_SHORT, WINDOW_MEMBERS, shortened

BLOCK = 4
"""Filters that are multiplied together; their weights lie together."""


def conv_2d(p: Any) -> Call | None:
    """One group, one image."""
    if not isinstance(p, Conv2D) or p.scheme.suffix != "s8" or p.batch != 1 or p.groups != 1:
        return None
    small = finish.rounded_twice(_as_one_row(p), (1, 2, 3))
    if small is None:
        return None
    filters = small.weights.reshape(p.out_channels, -1)
    portable, inside = portable_conv_2d.call(small).fields, _stays_inside(small)
    made = Call(
        function="tinykd_conv_2d_blocked_s8" if inside else "tinykd_conv_2d_gather_blocked_s8",
        struct="tinykd_conv_2d_short",
        fields={
            **{name: portable[name] for name in WINDOW_MEMBERS},
            **_bounds(small),
            "weights": Table("int8_t", _by_filters(filters)),
            "finish": _finish(small, filters),
        },
        source="blocked/conv_2d.c",
        scratch=0 if inside else 2 * filters.shape[1],
        # four channels of two pixels are computed together: both windows are read again until all are written
        distances=(access.window(p.batch, small.rows, small.columns, p.in_channels, p.out_channels, 2 * p.out_channels),),
    )
    return shortened(made)


def _as_one_row(p: Conv2D) -> Conv2D:
    """A convolution of single pixels takes the image as one row, which leaves no odd pixel at the end of each."""
    if any(axis.kernel != 1 or axis.stride != 1 or axis.pad or axis.input != axis.output for axis in (p.rows, p.columns)):
        return p
    pixels = p.rows.output * p.columns.output
    if pixels > LARGEST_SHORT:
        return p
    return replace(p, rows=replace(p.rows, input=1, output=1), columns=replace(p.columns, input=pixels, output=pixels))


def _stays_inside(p: Conv2D) -> bool:
    """No window reaches over an edge, and the taps of a kernel row lie together."""
    return p.columns.dilation == 1 and all(
        axis.pad == 0 and (axis.output - 1) * axis.stride + (axis.kernel - 1) * axis.dilation < axis.input for axis in (p.rows, p.columns)
    )


def depthwise_conv_2d(p: Any) -> Call | None:
    """Multiplier 1, one image."""
    if not isinstance(p, DepthwiseConv2D) or p.scheme.suffix != "s8" or p.batch != 1 or p.multiplier != 1:
        return None
    small = finish.rounded_twice(p, (0, 1, 2))
    if small is None:
        return None
    filters = small.weights.reshape(-1, p.in_channels).T
    portable = portable_depthwise.call(small).fields
    made = Call(
        function="tinykd_depthwise_conv_2d_blocked_s8",
        struct="tinykd_depthwise_conv_2d_blocked",
        fields={
            **{name.removeprefix("in_") if name == "in_channels" else name: portable[name] for name in WINDOW_MEMBERS if name in portable},
            **_bounds(small),
            "weights": Table("int8_t", filters),
            "finish": _finish(small, filters),
        },
        source="blocked/depthwise_conv_2d.c",
        scratch=2 * filters.size,
        # the channels of two pixels are written in groups, and later groups read again no channel of those before
        distances=(access.window(p.batch, p.rows, p.columns, p.in_channels, p.in_channels, p.in_channels),),
    )
    return shortened(made)


def _bounds(p: Weighted) -> dict[str, int | Table]:
    """The members that turn sums into bytes for all channels."""
    return {"z": 2 * p.output_zero_point + 1, "clamp_low": p.clamp[0], "clamp_high": p.clamp[1]}


def _finish(p: Conv2D | DepthwiseConv2D, filters: Array) -> Table:
    """Biases, multipliers and bytes of shifts, of as many channels as fill blocks, in one table: each takes a pointer and a check."""
    shifts = _padded(p.shifts).astype(np.int8).tobytes()
    words = np.concatenate([_padded(_bias(p, filters)), _padded(p.multipliers), np.frombuffer(shifts, "<i4")])
    return Table("int32_t", words.astype(np.int32))


_DENSE = {
    "tinykd_fully_connected_single_s8": "tinykd_fully_connected_single_blocked_s8",
    "tinykd_fully_connected_double_s8": "tinykd_fully_connected_double_blocked_s8",
}


def fully_connected(p: Any) -> Call | None:
    """int8."""
    if not isinstance(p, FullyConnected):
        return None
    call = portable_dense.call(p)
    if call.function not in _DENSE:
        return None
    return replace(
        call,
        function=_DENSE[call.function],
        source="blocked/fully_connected.c",
        fields={
            **call.fields,
            "weights": Table("int8_t", _by_filters(p.weights)),
            "bias": Table("int32_t", _padded(_bias(p, p.weights))),
        },
        distances=portable_dense.distances(p),
    )


def _bias(p: Conv2D | DepthwiseConv2D | FullyConnected, filters: Array) -> Array:
    """Biases that make up for inputs whose zero point is not subtracted. `filters` [channels, values]."""
    return np.asarray(p.bias.astype(np.int64) - p.input_zero_point * filters.astype(np.int64).sum(axis=1)).astype(np.int32)


def _padded(values: Array) -> Array:
    """Zeros for filters that are not there."""
    return np.pad(values, [(0, -len(values) % BLOCK)] + [(0, 0)] * (values.ndim - 1))


def _by_filters(filters: Array) -> Array:
    """[channels, values] as [channels / 4, values, 4]."""
    return np.ascontiguousarray(_padded(filters).reshape(-1, BLOCK, filters.shape[1]).transpose(0, 2, 1))
