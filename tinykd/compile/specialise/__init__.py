"""Faster kernels: for cores that have the instructions and layers that have the shape, another call of the same integers.

The portable kernel stays the specification. A specialisation is one row: what it needs of the core, and a function from a
layer's parameters to its call, or None where it does not fit the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program
from tinykd.compile.specialise import dsp


@dataclass(frozen=True)
class Specialisation:
    """A faster kernel.

    Attributes:
        feature: what the core must have: `dsp`.
        call: from the parameters of a layer to the call; None where the kernel does not compute such a layer.
    """

    feature: str
    call: Callable[[Any], Call | None]


SPECIALISATIONS: dict[str, Specialisation] = {
    "CONV_2D": Specialisation("dsp", dsp.conv_2d),
    "DEPTHWISE_CONV_2D": Specialisation("dsp", dsp.depthwise_conv_2d),
    "FULLY_CONNECTED": Specialisation("dsp", dsp.fully_connected),
}
"""By operator."""


def specialise(program: Program, features: Collection[str]) -> Program:
    """`program` with the fastest kernels for a core.

    Args:
        features: what the core has; none keeps every portable kernel.
    """
    return replace(program, layers=tuple(_specialised(layer, features) for layer in program.layers))


def _specialised(layer: Layer, features: Collection[str]) -> Layer:
    row = SPECIALISATIONS.get(layer.op.kind)
    call = row.call(layer.parameters) if row is not None and row.feature in features and isinstance(layer.call, Call) else None
    return layer if call is None else replace(layer, call=call)
