"""Faster kernels: for cores that have the instructions and layers that have the shape, another call of the same integers.

The portable kernel stays the specification. A specialisation is a function from a layer's parameters to its call, or to None
where the kernel does not compute such a layer. Of those that do, the cost model takes the one with the fewest instructions
(`specialise.cost`): preparing a fast kernel may cost more than a small layer takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program
from tinykd.compile.specialise import (
    blocked,
    dsp,
    dsp_depthwise,
    dsp_elementwise,
    dsp_pooling,
    mve,
    mve_depthwise,
    mve_elementwise,
    mve_pooling,
    mve_quantize,
    software_float,
)
from tinykd.compile.specialise.cost import COSTS, instructions

Specialisation = Callable[[Any], "Call | None"]
"""From the parameters of a layer to a faster call."""

_DSP: Mapping[str, Specialisation] = {
    "CONV_2D": dsp.conv_2d,
    "DEPTHWISE_CONV_2D": dsp_depthwise.depthwise_conv_2d,
    "FULLY_CONNECTED": dsp.fully_connected,
    "ADD": dsp_elementwise.add,
    "AVERAGE_POOL_2D": dsp_pooling.average_pool_2d,
    "MAX_POOL_2D": dsp_pooling.max_pool_2d,
    "MUL": dsp_elementwise.mul,
    "SUB": dsp_elementwise.sub,
}

SPECIALISATIONS: Mapping[str, Mapping[str, Specialisation]] = {
    "mve": {
        "CONV_2D": mve.conv_2d,
        "DEPTHWISE_CONV_2D": mve_depthwise.depthwise_conv_2d,
        "FULLY_CONNECTED": mve.fully_connected,
        "ADD": mve_elementwise.add,
        "AVERAGE_POOL_2D": mve_pooling.average_pool_2d,
        "MAX_POOL_2D": mve_pooling.max_pool_2d,
        "QUANTIZE": mve_quantize.quantize,
        "SUB": mve_elementwise.sub,
    },
    "small_mve": {
        "CONV_2D": mve.small_conv_2d,
        "DEPTHWISE_CONV_2D": mve_depthwise.small_depthwise_conv_2d,
        "FULLY_CONNECTED": mve.small_fully_connected,
    },
    "dsp": _DSP,
    "small_dsp": {**_DSP, "DEPTHWISE_CONV_2D": blocked.depthwise_conv_2d},  # filters in bytes, not in words of two 16-bit weights
    "blocked": {
        "CONV_2D": blocked.conv_2d,
        "DEPTHWISE_CONV_2D": blocked.depthwise_conv_2d,
        "FULLY_CONNECTED": blocked.fully_connected,
    },
    "software_float": {
        "DEQUANTIZE": software_float.dequantize,
        "QUANTIZE": software_float.quantize,
    },
}
"""By feature of the core, then by operator."""


def specialise(program: Program, features: Collection[str]) -> Program:
    """`program` with the fastest kernels for a core.

    Args:
        features: what the core has, the fastest first; none keeps every portable kernel.
    """
    program = replace(program, features=tuple(features))
    return replace(program, layers=tuple(specialised(program, layer) for layer in program.layers))


def specialised(program: Program, layer: Layer) -> Layer:
    """`layer` with the faster kernel of fewest instructions on a core with the program's features; the first, unless all were measured.

    The portable kernel stands where no other computes the layer; it is never the faster one.
    """
    if not isinstance(layer.call, Call):
        return layer
    rows = [SPECIALISATIONS.get(feature, {}).get(layer.op.kind) for feature in program.features]
    calls = [row(layer.parameters) for row in rows if row is not None]
    candidates = [replace(layer, call=call) for call in calls if call is not None] or [layer]
    if any(isinstance(one.call, Call) and one.call.source not in COSTS for one in candidates):
        return candidates[0]
    return min(candidates, key=lambda candidate: instructions(program, candidate))
