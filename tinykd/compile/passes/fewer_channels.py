"""A layer with fewer channels: the same integers for those that stay, those that went folded into the bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from tinykd.compile.graph import Reduced
from tinykd.compile.ops.add import Sum
from tinykd.compile.ops.broadcast import broadcast
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.extremum import Extremum
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.mul import Product
from tinykd.compile.ops.operator import View
from tinykd.compile.ops.pooling import Pool
from tinykd.compile.ops.view import Viewed
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.program import Layer, Program


def with_fewer_channels(program: Program, layer: Layer) -> Layer:
    """`layer` for the tensors of `program`, which have their new shapes already and note in `reduced` what they lost."""
    if all(program.tensor(index).reduced is None for index in (*layer.passed, *layer.op.outputs)):
        return layer
    p = layer.parameters
    if isinstance(layer.call, View):
        return replace(layer, parameters=Viewed(program.tensor(layer.op.outputs[0]).shape)) if isinstance(p, Viewed) else layer
    rewrite = next((rewrite for kind, rewrite in _REWRITES.items() if isinstance(p, kind)), _lowered_again)
    parameters = rewrite(program, layer, _left(program, layer.passed[0]), _left(program, layer.op.outputs[0]))
    return replace(layer, parameters=parameters, call=layer.row.call(parameters), macs=layer.row.macs(parameters))


def _left(program: Program, index: int) -> Reduced:
    """What is left of a tensor, be it everything."""
    tensor = program.tensor(index)
    return tensor.reduced or Reduced(tensor.shape[-1], tuple(range(tensor.shape[-1])), {})


P = TypeVar("P", bound=Weighted)


def _folded(p: P, source: Reduced) -> P:
    """Removed constants in the bias: no sum changes, so the sums fit as before. Weights are [out, any taps, channels]."""
    values = np.zeros(source.channels, np.int64)
    for channel, value in source.constants.items():
        values[channel] = value - p.input_zero_point
    totals = (p.weights.astype(np.int64) - p.weights_zero_point).reshape(p.bias.size, -1, values.size).sum(axis=1)
    return replace(p, bias=(p.bias + totals @ values).astype(p.bias.dtype))


def _filters(p: P, result: Reduced, axis: int) -> P:
    """The filters that stay, along the weights' axis of output channels."""
    kept = list(result.kept)
    weights = np.take(p.weights, kept, axis=axis)
    return replace(p, weights=weights, bias=p.bias[kept], multipliers=p.multipliers[kept], shifts=p.shifts[kept])


def _conv_2d(_: Program, layer: Layer, source: Reduced, result: Reduced) -> Conv2D:
    p: Conv2D = _filters(_folded(layer.parameters, source), result, 0)
    weights = np.take(p.weights, source.kept, axis=3)
    return replace(p, weights=weights, in_channels=len(source.kept), out_channels=len(result.kept))


def _fully_connected(program: Program, layer: Layer, source: Reduced, result: Reduced) -> FullyConnected:
    p: FullyConnected = _folded(layer.parameters, source)
    kept, wide = list(result.kept), p.wide
    columns = np.isin(np.arange(p.weights.shape[1]) % source.channels, source.kept)  # channels repeat for each pixel of a row
    if wide is not None:
        wide = replace(wide, high=wide.high[kept], low=wide.low[kept], shifts=wide.shifts[kept])
    shape = program.tensor(layer.op.outputs[0]).shape
    return replace(_filters(replace(p, weights=p.weights[:, columns]), result, 0), wide=wide, output_shape=shape)


def _depthwise_conv_2d(_: Program, layer: Layer, source: Reduced, result: Reduced) -> DepthwiseConv2D:
    p: DepthwiseConv2D = _filters(layer.parameters, result, 3)
    return replace(p, in_channels=len(source.kept))


def _pool(_: Program, layer: Layer, source: Reduced, __: Reduced) -> Pool:
    p: Pool = replace(layer.parameters, channels=len(source.kept))
    return p


def _lookup(program: Program, layer: Layer, _: Reduced, __: Reduced) -> Lookup:
    p: Lookup = replace(layer.parameters, elements=program.tensor(layer.op.outputs[0]).elements)
    return p


def _pairs(program: Program, layer: Layer, _: Reduced, __: Reduced) -> Any:
    """Operators of two operands: only their loops count elements."""
    a, b, result = (program.tensor(index) for index in (*layer.op.inputs[:2], layer.op.outputs[0]))
    return replace(layer.parameters, loops=broadcast(program.graph, layer.op, a, b, result))


def _lowered_again(program: Program, layer: Layer, _: Reduced, __: Reduced) -> Any:
    """Operators whose parameters no rewrite changes."""
    return layer.row.lower(program.graph, layer.op, program.rounding)


_REWRITES: dict[type, Callable[[Program, Layer, Reduced, Reduced], Any]] = {
    Conv2D: _conv_2d,
    DepthwiseConv2D: _depthwise_conv_2d,
    Extremum: _pairs,
    FullyConnected: _fully_connected,
    Lookup: _lookup,
    Pool: _pool,
    Product: _pairs,
    Sum: _pairs,
}
"""By the class of the parameters; the first input and the output lose channels."""
