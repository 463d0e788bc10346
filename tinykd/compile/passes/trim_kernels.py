"""Rows and columns of a convolution's kernel that lie in the padding for every output are cut off.

Large kernels over small images have them: of 7x7 taps, a 3x3 image ever meets 5x5. Padding adds nothing to a sum, so
neither do its weights.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.window import Axis
from tinykd.compile.passes.rewriting import renumbered, with_parameters
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """Both axes of every convolution."""
    return renumbered(program, [_trimmed(layer) for layer in program.layers])


def _trimmed(layer: Layer) -> Layer:
    p = layer.parameters
    if not isinstance(p, (Conv2D, DepthwiseConv2D)):
        return layer
    rows, columns = _met(p.rows), _met(p.columns)
    weights = p.weights[:, rows, columns]
    if weights.shape == p.weights.shape:
        return layer
    parameters = replace(p, weights=weights, rows=_cut(p.rows, rows), columns=_cut(p.columns, columns))
    return with_parameters(layer, layer.row, parameters, layer.op.inputs, layer.op.outputs)


@lru_cache(4096)
def _met(axis: Axis) -> slice:
    """The taps from the first to the last that lie inside the image for some output; the window must not start inside it."""
    places = np.arange(axis.output)[:, None] * axis.stride - axis.pad + np.arange(axis.kernel) * axis.dilation
    (inside,) = ((places >= 0) & (places < axis.input)).any(axis=0).nonzero()
    return slice(min(int(inside[0]), axis.pad // axis.dilation), int(inside[-1]) + 1) if inside.size else slice(0, axis.kernel)


def _cut(axis: Axis, taps: slice) -> Axis:
    return replace(axis, kernel=taps.stop - taps.start, pad=axis.pad - taps.start * axis.dilation)
