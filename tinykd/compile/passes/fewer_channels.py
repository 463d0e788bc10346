"""A layer with fewer channels: the same integers for those that stay, those that went folded into the bias."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from tinykd.compile.graph import Array
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


@dataclass(frozen=True, eq=False)
class Left:
    """What is left of a tensor's channels.

    Attributes:
        kept: [channels] the channel stays.
        constants: integers of those removed channels that hold one; nothing reads the others.
    """

    kept: Array
    constants: Mapping[int, int]


def with_fewer_channels(program: Program, layer: Layer, left: Mapping[int, Left]) -> Layer:
    """`layer` for the tensors of `program`, which have their new shapes already; `left` is of those that lost channels."""
    if left.keys().isdisjoint((*layer.passed, *layer.op.outputs)):
        return layer
    p = layer.parameters
    if isinstance(layer.call, View):
        return replace(layer, parameters=Viewed(program.tensor(layer.op.outputs[0]).shape)) if isinstance(p, Viewed) else layer
    rewrite = next((rewrite for kind, rewrite in _REWRITES.items() if isinstance(p, kind)), _lowered_again)
    source, result = (left.get(index) or _all(program, index) for index in (layer.passed[0], layer.op.outputs[0]))
    parameters = rewrite(program, layer, source, result)
    return replace(layer, parameters=parameters, call=layer.row.call(parameters), macs=layer.row.macs(parameters))


def _all(program: Program, index: int) -> Left:
    return Left(np.ones(program.tensor(index).shape[-1], np.bool_), {})


P = TypeVar("P", bound=Weighted)


def _folded(p: P, source: Left) -> P:
    """Removed constants in the bias: no sum changes, so the sums fit as before. Weights are [out, any taps, channels]."""
    values = np.zeros(source.kept.size, np.int64)
    for channel, value in source.constants.items():
        values[channel] = value - p.input_zero_point
    totals = (p.weights.astype(np.int64) - p.weights_zero_point).reshape(p.bias.size, -1, values.size).sum(axis=1)
    return replace(p, bias=(p.bias + totals @ values).astype(p.bias.dtype))


def _filters(p: P, kept: Array, axis: int) -> P:
    """The filters that stay, along the weights' axis of output channels."""
    weights = np.compress(kept, p.weights, axis=axis)
    return replace(p, weights=weights, bias=p.bias[kept], multipliers=p.multipliers[kept], shifts=p.shifts[kept])


def _conv_2d(_: Program, layer: Layer, source: Left, result: Left) -> Conv2D:
    p: Conv2D = _filters(_folded(layer.parameters, source), result.kept, 0)
    return replace(p, weights=p.weights[..., source.kept], in_channels=int(source.kept.sum()), out_channels=int(result.kept.sum()))


def _fully_connected(program: Program, layer: Layer, source: Left, result: Left) -> FullyConnected:
    p: FullyConnected = _folded(layer.parameters, source)
    columns = np.resize(source.kept, p.weights.shape[1])  # channels repeat for each pixel of a row
    kept, wide = result.kept, p.wide
    if wide is not None:
        wide = replace(wide, high=wide.high[kept], low=wide.low[kept], shifts=wide.shifts[kept])
    return replace(_filters(replace(p, weights=p.weights[:, columns]), kept, 0), wide=wide, output_shape=_shape(program, layer))


def _depthwise_conv_2d(_: Program, layer: Layer, source: Left, result: Left) -> DepthwiseConv2D:
    p: DepthwiseConv2D = _filters(layer.parameters, result.kept, 3)
    return replace(p, in_channels=int(source.kept.sum()))


def _pool(_: Program, layer: Layer, source: Left, __: Left) -> Pool:
    p: Pool = replace(layer.parameters, channels=int(source.kept.sum()))
    return p


def _lookup(program: Program, layer: Layer, _: Left, __: Left) -> Lookup:
    p: Lookup = replace(layer.parameters, elements=program.tensor(layer.op.outputs[0]).elements)
    return p


def _pairs(program: Program, layer: Layer, _: Left, __: Left) -> Any:
    """Operators of two operands: only their loops count elements."""
    a, b, result = (program.tensor(index) for index in (*layer.op.inputs[:2], layer.op.outputs[0]))
    return replace(layer.parameters, loops=broadcast(program.graph, layer.op, a, b, result))


def _lowered_again(program: Program, layer: Layer, _: Left, __: Left) -> Any:
    """Operators whose parameters no rewrite changes."""
    return layer.row.lower(program.graph, layer.op, program.rounding)


def _shape(program: Program, layer: Layer) -> tuple[int, ...]:
    return program.tensor(layer.op.outputs[0]).shape


_REWRITES: dict[type, Callable[[Program, Layer, Left, Left], Any]] = {
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
