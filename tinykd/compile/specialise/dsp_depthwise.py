"""DEPTHWISE_CONV_2D with the DSP instructions of Cortex-M4, M7, M33 and M55."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykd.compile.ops import access
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.ops.window import Axis
from tinykd.compile.specialise import dsp
from tinykd.compile.specialise.fixed_shift import fixed_shift, own_shifts
from tinykd.compile.specialise.short import shortened

_ONE = Axis(1, 1, 1, 1, 1, 0)
_INT16_MAX = 32767


def depthwise_conv_2d(p: Any) -> Call | None:
    """Multiplier 1, no dilation, one image; or one channel."""
    if isinstance(p, DepthwiseConv2D) and p.in_channels == 1 and p.multiplier > 1:
        return dsp.one_channel(p)
    fits = isinstance(p, DepthwiseConv2D) and p.scheme.suffix == "s8" and p.batch == 1 and p.multiplier == 1
    if not fits or p.rows.dilation != 1 or p.columns.dilation != 1:
        return None
    return depthwise_3x3(p) or depthwise_pairs(p)


def depthwise_3x3(p: DepthwiseConv2D) -> Call | None:
    """At least two rows, at most one row and column outside at each edge, strides of 1 or 2 along a row."""
    if (p.rows.kernel, p.columns.kernel) != (3, 3) or p.rows.input < 2 or p.columns.stride > 2 or p.in_channels > _INT16_MAX:
        return None
    if any(max(axis.pad, behind(axis)) > 1 for axis in (p.rows, p.columns)):
        return None
    made = fixed_shift(p, (0, 1, 2))
    if made is None or not made.rectified:
        return None
    w = made.weights.reshape(3, 3, p.in_channels)
    halfwords = [w[0, 0], w[1, 0], w[0, 1], w[1, 1], w[0, 2], w[1, 2], w[2, 0], w[2, 1], w[2, 2], np.full_like(w[2, 2], p.in_channels)]
    pairs = np.stack(halfwords, axis=1).astype("<i2").view("<i4")
    filters = np.concatenate(
        [pairs, np.stack([made.raw_bias(p.input_zero_point, (0, 1, 2)), made.multipliers, made.offsets], axis=1)], axis=1
    )
    call = Call(
        function="tinykd_depthwise_3x3_dsp_s8",
        struct="tinykd_depthwise_3x3",
        fields={
            **geometry(p),
            "filters": Table("int32_t", filters.astype(np.int32)),
        },
        source="dsp/depthwise_3x3.c",
        distances=(row_by_row(p),),
    )
    return shortened(call)


def depthwise_pairs(p: DepthwiseConv2D) -> Call | None:
    """Channels a multiple of 4."""
    made = None if p.in_channels % 4 else own_shifts(p, (0, 1, 2))
    if made is None:
        return None
    high, wide, groups = (p.rows.kernel + 1) // 2, p.columns.kernel, p.in_channels // 4
    w = np.zeros((2 * high, wide, p.in_channels), np.int16)
    w[: p.rows.kernel] = made.weights.reshape(p.rows.kernel, wide, p.in_channels)
    # [pair, row, column, group, channel] to [group, column, pair, channel, row]
    pairs = w.reshape(high, 2, wide, groups, 4).transpose(3, 2, 0, 4, 1).astype("<i2", order="C").view("<i4").reshape(groups, -1)
    finish = np.stack([made.multipliers, made.offsets, made.shifts], axis=1).reshape(groups, 12)
    filters = np.concatenate([made.bias.reshape(groups, 4), finish, pairs], axis=1)
    call = Call(
        function="tinykd_depthwise_pairs_dsp_s8",
        struct="tinykd_depthwise_pairs",
        fields={
            **geometry(p),
            "kernel_height": p.rows.kernel,
            "kernel_width": wide,
            "filters": Table("int32_t", filters.astype(np.int32)),
        },
        source="dsp/depthwise_conv_2d.c",
        scratch=p.columns.input * high * 16,
        distances=(row_by_row(p),),
    )
    return shortened(call)


def behind(axis: Axis) -> int:
    """How many positions of the last window lie outside behind the input."""
    return max((axis.output - 1) * axis.stride + axis.kernel - axis.pad - axis.input, 0)


def geometry(p: DepthwiseConv2D) -> dict[str, int | Table]:
    """The first members of the kernels' structs."""
    return {
        "in_height": p.rows.input,
        "in_width": p.columns.input,
        "channels": p.in_channels,
        "out_height": p.rows.output,
        "out_width": p.columns.output,
        "stride_height": p.rows.stride,
        "stride_width": p.columns.stride,
        "pad_top": p.rows.pad,
        "pad_left": p.columns.pad,
        "input_zero_point": p.input_zero_point,
        "clamp_low": p.clamp[0],
        "clamp_high": p.clamp[1],
    }


def row_by_row(p: DepthwiseConv2D) -> int | None:
    """The distance of a kernel that computes a row of outputs channel by channel: the row's last pixel is written, but for one
    channel, when that channel's first pixel is read."""
    in_row, out_row = p.columns.input * p.in_channels, p.columns.output * p.in_channels
    return access.window(p.batch, p.rows, _ONE, in_row, out_row, out_row - p.in_channels)
