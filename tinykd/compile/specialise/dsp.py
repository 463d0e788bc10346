"""Kernels with the DSP instructions of Cortex-M4, M7, M33 and M55: two products at once, four bytes a load."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinykd.compile.ops import access
from tinykd.compile.ops import conv_2d as portable_conv_2d
from tinykd.compile.ops import depthwise_conv_2d as portable_depthwise
from tinykd.compile.ops import fully_connected as portable_dense
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.operator import Call


def conv_2d(p: Any) -> Call | None:
    """Input channels a multiple of 4, one group, no horizontal dilation, one image."""
    fits = isinstance(p, Conv2D) and p.scheme.suffix == "s8" and p.batch == 1 and p.groups == 1
    if not fits or p.in_channels % 4 or p.columns.dilation != 1:
        return None
    # two pixels are computed together, channel by channel: both windows are read again until both are written
    distance = access.window(p.batch, p.rows, p.columns, p.in_channels, p.out_channels, 2 * p.out_channels)
    return _faster(portable_conv_2d.call(p), "tinykd_conv_2d_dsp_s8", "dsp/conv_2d.c", distance)


def depthwise_conv_2d(p: Any) -> Call | None:
    """Channels a multiple of 4, multiplier 1, no dilation, one image."""
    fits = isinstance(p, DepthwiseConv2D) and p.scheme.suffix == "s8" and p.batch == 1 and p.multiplier == 1
    if not fits or p.in_channels % 4 or p.rows.dilation != 1 or p.columns.dilation != 1:
        return None
    # two pixels together, four channels at a time, which no later read of theirs touches
    distance = access.window(p.batch, p.rows, p.columns, p.in_channels, p.in_channels, p.in_channels)
    return _faster(portable_depthwise.call(p), "tinykd_depthwise_conv_2d_dsp_s8", "dsp/depthwise_conv_2d.c", distance)


_DENSE = {
    "tinykd_fully_connected_single_s8": "tinykd_fully_connected_single_dsp_s8",
    "tinykd_fully_connected_double_s8": "tinykd_fully_connected_double_dsp_s8",
}


def fully_connected(p: Any) -> Call | None:
    """Depth a multiple of 4."""
    if not isinstance(p, FullyConnected) or p.weights.shape[1] % 4:
        return None
    call = portable_dense.call(p)
    if call.function not in _DENSE:
        return None
    (distance,) = portable_dense.distances(p)
    return _faster(call, _DENSE[call.function], "dsp/fully_connected.c", distance)


def _faster(call: Call, function: str, source: str, distance: int | None) -> Call:
    """The same parameters for another kernel."""
    return replace(call, function=function, source=source, distances=(distance,))
