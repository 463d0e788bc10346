"""DEPTHWISE_CONV_2D with Helium: all taps of a window in one product, from lines in which they lie together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinykd.compile.ops import depthwise_conv_2d as portable_depthwise
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.specialise.mve import BYTES, QUAD, lines_bytes, lines_distance, scaling, with_right_shifts
from tinykd.compile.specialise.short import shortened

_LARGEST_LINE = (1 << 16) // 8
"""Eight lines are reached by offsets of 16 bits."""


def depthwise_conv_2d(p: Any) -> Call | None:
    """Channels a multiple of 4, multiplier 1, no dilation, one image."""
    return _depthwise_conv_2d(p, _windows)


def small_depthwise_conv_2d(p: Any) -> Call | None:
    """The same by one kernel for all layers: less code, more instructions."""
    return _depthwise_conv_2d(p, lambda *_: "n")


def _depthwise_conv_2d(p: Any, named: Callable[[DepthwiseConv2D, int], str]) -> Call | None:
    fits = isinstance(p, DepthwiseConv2D) and p.scheme.suffix == "s8" and p.batch == 1 and p.multiplier == 1
    if not fits or p.in_channels % QUAD or p.rows.dilation != 1 or p.columns.dilation != 1:
        return None
    shifted = with_right_shifts(p, 3)
    line = lines_bytes(p.rows, p.columns, 1)
    if shifted is None or line >= _LARGEST_LINE:
        return None
    # [channels, kernel_width * kernel_height]
    filters = p.weights[0].transpose(2, 1, 0).reshape(p.in_channels, -1)
    chunks = -(-filters.shape[1] // BYTES)
    fields = portable_depthwise.call(shifted).fields
    geometry = {"channels" if name == "in_channels" else name: value for name, value in fields.items() if name not in _NOT_IN_STRUCT}
    made = Call(
        function=f"tinykd_depthwise_conv_2d_{named(p, chunks)}_mve_s8",
        struct="tinykd_depthwise_conv_2d_mve",
        fields={
            **geometry,
            "chunks": chunks,
            "line": line,
            "weights": Table("int8_t", np.pad(filters, ((0, 0), (0, chunks * BYTES - filters.shape[1])))),
            "scaling": scaling(shifted, filters),
        },
        source="mve/depthwise_conv_2d.c",
        scratch=p.in_channels * line + chunks * BYTES,
        distances=(lines_distance(p.rows, p.columns, p.in_channels, p.in_channels),),
    )
    return shortened(made)


_NOT_IN_STRUCT = ("batch", "multiplier", "dilation_height", "dilation_width", "weights", "bias", "multipliers", "shifts")


def _windows(p: DepthwiseConv2D, chunks: int) -> str:
    """The kernel that is told when it is compiled what it needs to know, in its name."""
    apart, positive = p.rows.kernel * p.columns.stride, "_positive" if p.clamp[0] >= p.output_zero_point else ""
    if chunks == 1 and apart in (3, 6):
        return f"step_{apart}{positive}"
    return f"{chunks if chunks in (2, 4) else 'n'}{positive}"
