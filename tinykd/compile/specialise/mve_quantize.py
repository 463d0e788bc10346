"""QUANTIZE from float32 with Helium, which has no division: a product with 1 / scale, corrected once by what it leaves over."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops import quantize as portable
from tinykd.compile.ops.operator import Call
from tinykd.compile.ops.quantize import QuantizeFloat
from tinykd.compile.specialise.software_float import floats, steps

_NORMAL = 1e-20, 1e20
"""Scales for which all numbers near a step are normal: Helium takes others for zero."""

_NEIGHBOURS = np.arange(-8, 9)
"""Inputs around a step that are checked. A corrected quotient is off by less than 2 of the last place, so farther ones cannot cross it."""

_BEYOND = 512


def quantize(p: Any) -> Call | None:
    """float32 to int8."""
    if not isinstance(p, QuantizeFloat) or p.dtype != "int8" or not _NORMAL[0] < p.scale < _NORMAL[1]:
        return None
    scale = np.float32(p.scale)
    inverse = np.float32(1) / scale
    if not _proved(p, scale, inverse):
        return None
    return Call(
        function="tinykd_quantize_mve_s8",
        struct="tinykd_quantize_mve",
        fields={
            "elements": p.elements,
            "zero_point": p.zero_point,
            "scale_bits": int(scale.view(np.int32)),
            "inverse_bits": int(inverse.view(np.int32)),
        },
        source="mve/quantize.c",
        distances=portable.OPERATOR.distances(p),
    )


def _proved(p: QuantizeFloat, scale: np.float32, inverse: np.float32) -> bool:
    """The kernel's outputs are right wherever an output begins."""
    keys = steps(p).astype(np.int64)[:, None] + _NEIGHBOURS
    outputs = np.arange(-127, 128)[:, None]
    quotients, certain = _quotients(floats(keys), scale, inverse)
    rounded = np.clip(np.trunc(quotients + np.copysign(0.5, quotients)) + p.zero_point, -128, 127)
    return bool(np.all(certain) and np.all(np.where(_NEIGHBOURS < 0, rounded < outputs, rounded >= outputs)))


def _quotients(x: Array, scale: np.float32, inverse: np.float32) -> tuple[Array, Array]:
    """x / scale as the kernel computes it, float64, and where float64 tells how its last product and sum are rounded."""
    near = np.clip(x * inverse, -_BEYOND, _BEYOND).astype(np.float64)
    left = (x.astype(np.float64) - near * np.float64(scale)).astype(np.float32).astype(np.float64)
    exact = near + left * np.float64(inverse)
    halfway = exact.view(np.int64) & ((1 << 29) - 1) == 1 << 28
    return exact.astype(np.float32).astype(np.float64), ~halfway | (left == 0)
