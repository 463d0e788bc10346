"""DEPTHWISE_CONV_2D with the DSP instructions of Cortex-M4, M7, M33 and M55."""

from __future__ import annotations

from typing import Any

from tinykd.compile.ops import access
from tinykd.compile.ops import depthwise_conv_2d as portable_depthwise
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.operator import Call
from tinykd.compile.specialise.dsp import faster, with_small_sums


def depthwise_conv_2d(p: Any) -> Call | None:
    """Channels a multiple of 4, multiplier 1, no dilation, one image."""
    fits = isinstance(p, DepthwiseConv2D) and p.scheme.suffix == "s8" and p.batch == 1 and p.multiplier == 1
    if not fits or p.in_channels % 4 or p.rows.dilation != 1 or p.columns.dilation != 1:
        return None
    small = with_small_sums(p, (0, 1, 2))
    if small is None:
        return None
    # four channels at a time, which no later read of this pixel touches
    distance = access.window(p.batch, p.rows, p.columns, p.in_channels, p.in_channels, 0)
    return faster(portable_depthwise.call(small), "tinykd_depthwise_conv_2d_dsp_s8", "dsp/depthwise_conv_2d.c", distance)
