"""AVERAGE_POOL_2D and MAX_POOL_2D with the DSP instructions of Cortex-M4, M7, M33 and M55."""

from __future__ import annotations

from typing import Any

from tinykd.compile.ops import access
from tinykd.compile.ops.operator import Call
from tinykd.compile.ops.pooling import Pool

_LARGEST_WINDOW = 255
"""Bytes whose sum fits a halfword."""


def average_pool_2d(p: Any) -> Call | None:
    """Ties away from zero; windows of up to 255 elements."""
    if not isinstance(p, Pool) or p.ties != "away" or p.rows.kernel * p.columns.kernel > _LARGEST_WINDOW:
        return None
    return _pool(p, "tinykd_average_pool_2d_dsp_s8")


def max_pool_2d(p: Any) -> Call | None:
    """Any window."""
    return _pool(p, "tinykd_max_pool_2d_dsp_s8") if isinstance(p, Pool) else None


def _pool(p: Pool, function: str) -> Call | None:
    """One image, channels a multiple of 4: four at a time, which no later read of their pixel touches."""
    if p.dtype != "int8" or p.batch != 1 or p.channels % 4:
        return None
    distance = access.window(p.batch, p.rows, p.columns, p.channels, p.channels, 0)
    return Call(function=function, struct="tinykd_pool_2d", fields=dict(p.fields()), source="dsp/pooling.c", distances=(distance,))
