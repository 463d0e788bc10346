"""QUANTIZE from and DEQUANTIZE to float32 without floating point, for cores that have it in software only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops import dequantize as portable_dequantize
from tinykd.compile.ops import quantize as portable
from tinykd.compile.ops.dequantize import Dequantize
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.ops.quantize import QuantizeFloat

_FUNCTIONS = {"int8": "tinykd_quantize_steps_s8", "uint8": "tinykd_quantize_steps_u8"}
"""By dtype of the output."""

_INFINITY = 0x7F800000
"""The bits of float32 infinity."""


def quantize(p: Any) -> Call | None:
    """float32 to bytes."""
    if not isinstance(p, QuantizeFloat) or p.dtype not in _FUNCTIONS:
        return None
    return Call(
        function=_FUNCTIONS[p.dtype],
        struct="tinykd_quantize_steps",
        fields={"elements": p.elements, "steps": Table("int32_t", steps(p))},
        source="software_float/quantize_steps.c",
        distances=portable.OPERATOR.distances(p),
    )


_DEQUANTIZE = {"int8": "tinykd_dequantize_software_s8", "uint8": "tinykd_dequantize_software_u8"}
"""By dtype of the input."""

_NORMAL = float(np.finfo(np.float32).tiny), 2.0**118
"""Scales whose products with up to 255 are normal."""


def dequantize(p: Any) -> Call | None:
    """Bytes to float32."""
    if not isinstance(p, Dequantize) or p.dtype not in _DEQUANTIZE or not _NORMAL[0] <= p.scale < _NORMAL[1]:
        return None
    call = portable_dequantize.call(p)
    return replace(
        call, function=_DEQUANTIZE[p.dtype], source="software_float/dequantize.c", distances=portable_dequantize.OPERATOR.distances(p)
    )


def steps(p: QuantizeFloat) -> Array:
    """[255] for each output but the lowest the least float32 that gives it or more, as an ordered integer.

    Found by bisection: the output never falls where the input rises. What no input reaches lies beyond infinity.
    """
    limits = np.iinfo(p.dtype)
    outputs = np.arange(int(limits.min) + 1, int(limits.max) + 1)
    whole = replace(p, elements=outputs.size)
    below = np.full(outputs.size, -_INFINITY - 2, np.int64)  # below minus infinity
    reached = np.full(outputs.size, _INFINITY + 1, np.int64)
    while (reached - below > 1).any():
        middle = (below + reached) >> 1
        enough = portable.reference(whole, (floats(middle),))[0].astype(np.int64) >= outputs
        enough &= middle >= -_INFINITY - 1
        below, reached = np.where(enough, below, middle), np.where(enough, middle, reached)
    return reached.astype(np.int32)


def floats(keys: Array) -> Array:
    """The float32 of ordered integers: their bits, of negative ones complemented but for the sign."""
    held = np.clip(keys, -_INFINITY - 1, _INFINITY).astype(np.int32)
    return np.where(held < 0, held ^ np.int32(0x7FFFFFFF), held).astype(np.int32).view(np.float32)
