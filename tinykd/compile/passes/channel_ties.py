"""How the channels of a layer's output hang on those of its inputs, a channel being a position along the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import Array, Tensor
from tinykd.compile.ops.add import Sum
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.extremum import Extremum
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.mean import Mean
from tinykd.compile.ops.mul import Product
from tinykd.compile.ops.operator import View
from tinykd.compile.ops.pad import Pad
from tinykd.compile.ops.pooling import Pool
from tinykd.compile.ops.window import Axis
from tinykd.compile.program import Layer, Program


@dataclass(frozen=True, eq=False)
class Mixed:
    """Each output channel is a sum over all input channels.

    Attributes:
        weights: [output channels, taps, input channels] less their zero point; a tap is a place of the window, or of a flattened image.
        outside: [taps] the tap lies in the padding for some output.
    """

    weights: Array
    outside: Array


@dataclass(frozen=True, eq=False)
class Tied:
    """Each output channel is computed from one channel of each operand.

    Attributes:
        sources: for each passed tensor, [output channels] its channel, -1 where the output does not read this operand or where
            the operand is one constant for all channels.
    """

    sources: tuple[Array, ...]


def ties(program: Program, layer: Layer) -> Mixed | Tied | None:
    """How `layer` treats channels; None for an operator whose channels must all stay as they are."""
    if len(layer.op.outputs) != 1 or layer.written != layer.op.outputs:
        return None
    p, result = layer.parameters, program.tensor(layer.op.outputs[0])
    operands = [program.tensor(index) for index in layer.passed]
    if not result.elements or any(not tensor.elements for tensor in operands) or not result.shape:
        return None
    if isinstance(layer.call, View):
        return _view(operands[0], result) if layer.call == View() else None
    if isinstance(p, Conv2D):
        outside = _outside(p.rows)[:, None] | _outside(p.columns)[None, :]
        return Mixed(_centred(p).reshape(p.out_channels, -1, p.in_channels), outside.ravel()) if p.groups == 1 else None
    if isinstance(p, FullyConnected):
        return _dense(p, operands[0])
    if isinstance(p, DepthwiseConv2D):
        return Tied((np.arange(p.in_channels * p.multiplier) // p.multiplier,))
    if isinstance(p, (Extremum, Lookup, Pool, Product, Sum)):
        return _same(operands, result)
    if isinstance(p, Pad):
        return _same(operands, result) if p.borders[-1] == (0, 0) else None
    if isinstance(p, Mean):
        return _same(operands, result) if len(operands[0].shape) - 1 not in p.loops.axes else None
    return _side_by_side(operands, result) if layer.row.kind == "CONCATENATION" else None


def _centred(p: Conv2D | FullyConnected) -> Array:
    return p.weights.astype(np.int64) - p.weights_zero_point


def _outside(axis: Axis) -> Array:
    """[kernel] the tap lies outside the input for some output."""
    places = np.arange(axis.output)[:, None] * axis.stride - axis.pad + np.arange(axis.kernel) * axis.dilation
    return np.asarray(((places < 0) | (places >= axis.input)).any(axis=0))


def _dense(p: FullyConnected, source: Tensor) -> Mixed | None:
    """Rows may hold several pixels, whose channels then repeat along the depth."""
    outputs, depth = p.weights.shape
    channels = source.shape[-1] if source.shape else 0
    if not channels or depth % channels:
        return None
    return Mixed(_centred(p).reshape(outputs, depth // channels, channels), np.zeros(depth // channels, np.bool_))


def _view(source: Tensor, result: Tensor) -> Tied | None:
    """A view keeps channels, or appends pixels to a longer last axis."""
    if source.is_constant or source.dtype != result.dtype or not source.shape or result.shape[-1] % source.shape[-1]:
        return None
    return Tied((np.arange(result.shape[-1]) % source.shape[-1],))


def _same(operands: list[Tensor], result: Tensor) -> Tied | None:
    """Channel by channel; an operand that is one constant for all channels takes no part."""
    channels, sources = result.shape[-1], []
    for operand in operands:
        if operand.is_constant and operand.elements == 1:
            sources.append(np.full(channels, -1))
        elif not operand.is_constant and operand.shape and operand.shape[-1] == channels:
            sources.append(np.arange(channels))
        else:
            return None
    return Tied(tuple(sources))


def _side_by_side(operands: list[Tensor], result: Tensor) -> Tied | None:
    """CONCATENATION of channels, or along another axis."""
    if any(operand.is_constant for operand in operands):
        return None
    if all(operand.shape[-1] == result.shape[-1] for operand in operands):
        return _same(operands, result)
    sources, start = [], 0
    for operand in operands:
        channels = np.arange(result.shape[-1]) - start
        start += operand.shape[-1]
        sources.append(np.where((channels >= 0) & (channels < operand.shape[-1]), channels, -1))
    return Tied(tuple(sources))
