"""MAX_POOL_2D and AVERAGE_POOL_2D with Helium: sixteen or eight channels at a time."""

from __future__ import annotations

from typing import Any

from tinykd.compile.ops import pooling
from tinykd.compile.ops.operator import Call
from tinykd.compile.ops.pooling import Pool

_LARGEST_WINDOW = 255
"""Bytes whose sum stays within 16 bits."""


def max_pool_2d(p: Any) -> Call | None:
    """One image."""
    return _call(p, "tinykd_max_pool_2d_mve_s8") if _fits(p) else None


def average_pool_2d(p: Any) -> Call | None:
    """One image, ties away from zero, at most 255 taps."""
    fits = _fits(p) and p.ties == "away" and p.rows.kernel * p.columns.kernel <= _LARGEST_WINDOW
    return _call(p, "tinykd_average_pool_2d_mve_s8") if fits else None


def _fits(p: Any) -> bool:
    return isinstance(p, Pool) and p.dtype == "int8" and p.batch == 1


def _call(p: Pool, function: str) -> Call:
    """A group of channels is read before it is written, as is each channel by the portable kernels."""
    return Call(function=function, struct="tinykd_pool_2d", fields=dict(p.fields()), source="mve/pooling.c", distances=pooling.distances(p))
