"""Drawing a network by its shapes, a layer at a time, as the graph that a converter would make of it."""

from __future__ import annotations

from dataclasses import replace
from math import prod, sqrt
from typing import Any, Literal

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.compile.ops.fully_connected import FullyConnectedOptions
from tinykd.compile.ops.mul import MulOptions
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reshape import ReshapeOptions
from tinykd.compile.ops.softmax import SoftmaxOptions
from tinykd.compile.sketch.weightless import stand_in

Padding = Literal["same", "valid"]
Activation = Literal["none", "relu", "relu6"]

_PADDINGS = {"same": 0, "valid": 1}
_ACTIVATIONS = {"none": 0, "relu": 1, "relu6": 3}

_SIGNED, _RECTIFIED, _PROBABILITY = Quant((0.05,), (0,)), Quant((0.0235,), (-128,)), Quant((1 / 256,), (-128,))
_QUANT = {"none": _SIGNED, "relu": _RECTIFIED, "relu6": _RECTIFIED}
_SPREAD = 40 / 73**2
"""With uniform weights and inputs, sums of n products have a standard deviation of 73 * 73 * sqrt(n); outputs get one of 40."""


class Sketch:
    """A network as it is drawn. Methods take and return tensors by number; images are [height, width, channels], batch 1."""

    def __init__(self) -> None:
        self._tensors: list[Tensor] = []
        self._ops: list[Op] = []
        self._inputs: list[int] = []

    def input(self, *shape: int) -> int:
        """An input [*shape]."""
        self._inputs.append(self._tensor((1, *shape), _SIGNED))
        return self._inputs[-1]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of a tensor, batch included."""
        return self._tensors[tensor].shape

    def conv_2d(
        self,
        x: int,
        filters: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        padding: Padding = "same",
        activation: Activation = "relu",
    ) -> int:
        """[height, width, channels] -> [out_height, out_width, filters]."""
        (kh, kw), (sh, sw), (dh, dw) = _two(kernel), _two(stride), _two(dilation)
        _, height, width, channels = self.shape(x)
        weights = self._weights((filters, kh, kw, channels // groups), kh * kw * channels // groups, self._tensors[x], activation)
        options = Conv2DOptions(_PADDINGS[padding], sw, sh, _ACTIVATIONS[activation], dw, dh)
        result = (1, _length(height, kh, sh, dh, padding), _length(width, kw, sw, dw, padding), filters)
        return self._op("CONV_2D", (x, weights, self._bias(filters)), result, options, _QUANT[activation])

    def depthwise_conv_2d(
        self,
        x: int,
        kernel: int | tuple[int, int],
        *,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        multiplier: int = 1,
        padding: Padding = "same",
        activation: Activation = "relu",
    ) -> int:
        """[height, width, channels] -> [out_height, out_width, channels * multiplier]."""
        (kh, kw), (sh, sw), (dh, dw) = _two(kernel), _two(stride), _two(dilation)
        _, height, width, channels = self.shape(x)
        filters = channels * multiplier
        weights = self._weights((1, kh, kw, filters), kh * kw, self._tensors[x], activation)
        options = DepthwiseConv2DOptions(_PADDINGS[padding], sw, sh, multiplier, _ACTIVATIONS[activation], dw, dh)
        result = (1, _length(height, kh, sh, dh, padding), _length(width, kw, sw, dw, padding), filters)
        return self._op("DEPTHWISE_CONV_2D", (x, weights, self._bias(filters)), result, options, _QUANT[activation])

    def dense(self, x: int, units: int, *, activation: Activation = "none") -> int:
        """Whatever shape, flattened -> [units]."""
        features = prod(self.shape(x)[1:])
        weights = self._weights((units, features), features, self._tensors[x], activation)
        options = FullyConnectedOptions(_ACTIVATIONS[activation])
        return self._op("FULLY_CONNECTED", (x, weights, self._bias(units)), (1, units), options, _QUANT[activation])

    def average_pool_2d(self, x: int, size: int | tuple[int, int], *, stride: int | tuple[int, int], padding: Padding = "valid") -> int:
        """[height, width, channels] -> [out_height, out_width, channels]."""
        return self._pool("AVERAGE_POOL_2D", x, size, stride, padding)

    def max_pool_2d(self, x: int, size: int | tuple[int, int], *, stride: int | tuple[int, int], padding: Padding = "valid") -> int:
        """[height, width, channels] -> [out_height, out_width, channels]."""
        return self._pool("MAX_POOL_2D", x, size, stride, padding)

    def global_average_pool(self, x: int) -> int:
        """[height, width, channels] -> [1, 1, channels]."""
        _, height, width, _ = self.shape(x)
        return self._pool("AVERAGE_POOL_2D", x, (height, width), 1, "valid")

    def add(self, a: int, b: int, *, activation: Activation = "none") -> int:
        """Sum of two tensors of one shape."""
        return self._op("ADD", (a, b), self.shape(a), AddOptions(_ACTIVATIONS[activation]), _QUANT[activation])

    def mul(self, a: int, b: int) -> int:
        """Product of two tensors, the second of the first's shape or broadcast to it."""
        return self._op("MUL", (a, b), self.shape(a), MulOptions(), _SIGNED)

    def concatenate(self, *parts: int) -> int:
        """Along the last axis."""
        shapes = [self.shape(part) for part in parts]
        same = self._tensors[parts[0]].quant
        for part in parts:  # a converter gives what is concatenated one scale
            self._tensors[part] = replace(self._tensors[part], quant=same)
        result = (*shapes[0][:-1], sum(shape[-1] for shape in shapes))
        return self._op("CONCATENATION", parts, result, ConcatenationOptions(3 if len(result) == 4 else len(result) - 1), same)

    def reshape(self, x: int, *shape: int) -> int:
        """The same bytes as [*shape]."""
        return self._op("RESHAPE", (x,), (1, *shape), ReshapeOptions((1, *shape)), self._tensors[x].quant)

    def softmax(self, x: int) -> int:
        """Over the last axis."""
        return self._op("SOFTMAX", (x,), self.shape(x), SoftmaxOptions(1.0), _PROBABILITY)

    def graph(self, *outputs: int, name: str = "sketch") -> Graph:
        """The network whose outputs are the given tensors."""
        graph = Graph(tuple(self._tensors), tuple(self._ops), tuple(self._inputs), outputs, name)
        graph.check()
        return graph

    def _pool(self, kind: str, x: int, size: int | tuple[int, int], stride: int | tuple[int, int], padding: Padding) -> int:
        (kh, kw), (sh, sw) = _two(size), _two(stride)
        _, height, width, channels = self.shape(x)
        result = (1, _length(height, kh, sh, 1, padding), _length(width, kw, sw, 1, padding), channels)
        return self._op(kind, (x,), result, Pool2DOptions(_PADDINGS[padding], sw, sh, kw, kh), self._tensors[x].quant)

    def _op(self, kind: str, inputs: tuple[int, ...], shape: tuple[int, ...], options: Any, quant: Quant | None) -> int:
        result = self._tensor(shape, quant)
        self._ops.append(Op(kind, inputs, (result,), options))
        return result

    def _tensor(self, shape: tuple[int, ...], quant: Quant | None) -> int:
        self._tensors.append(Tensor(f"tensor{len(self._tensors)}", shape, "int8", quant))
        return len(self._tensors) - 1

    def _weights(self, shape: tuple[int, ...], products: int, source: Tensor, activation: Activation) -> int:
        """Weights with a scale that makes outputs fill a byte."""
        assert source.quant is not None
        scale = _SPREAD / sqrt(products) * _QUANT[activation].scale / source.quant.scale
        self._tensors.append(Tensor("weights", shape, "int8", Quant((scale,), (0,)), stand_in(shape, "int8")))
        return len(self._tensors) - 1

    def _bias(self, channels: int) -> int:
        self._tensors.append(Tensor("bias", (channels,), "int32", None, stand_in((channels,), "int32")))
        return len(self._tensors) - 1


def _two(value: int | tuple[int, int]) -> tuple[int, int]:
    """[height, width]."""
    return (value, value) if isinstance(value, int) else value


def _length(size: int, kernel: int, stride: int, dilation: int, padding: Padding) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == "same" else (size + stride - reach) // stride
