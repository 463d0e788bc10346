"""Layers with a kernel: convolutions and dense layers. Images are [batch, height, width, channels], sequences [batch, length, channels]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Quant
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.compile.ops.fully_connected import FullyConnectedOptions
from tinykd.compile.ops.transpose_conv import TransposeConvOptions
from tinykd.distill.keras_modules import keras as _keras
from tinykd.quantize.native.arithmetic import multiplied, multiplied_once
from tinykd.quantize.native.emission import Emission, Target
from tinykd.quantize.native.node import Operation

PADDINGS = {"same": 0, "valid": 1}


@dataclass(frozen=True, eq=False)
class Integers:
    """A kernel as it is stored, batch norm folded in.

    Attributes:
        weights: In Keras's layout.
        scales: Real value of one, `[channels]`.
        bias: int32 `[channels]`.
        dtype: int8, or int4 for values from -8 to 7.
    """

    weights: NDArray[np.int8]
    scales: NDArray[np.float64]
    bias: NDArray[np.int32]
    dtype: str


@dataclass(frozen=True, eq=False)
class Weighted(Operation):
    """A layer with a kernel.

    Attributes:
        kernel: Keras variable.
        bias: Keras variable `[channels]`, or None.
    """

    kernel: Any
    bias: Any

    fuses_clamp: ClassVar[bool] = True
    takes_int4: ClassVar[bool] = True
    """Whether the kernel reads weights two to a byte."""

    def product(self, x: Any, kernel: Any) -> Any:
        """The result without bias."""
        raise NotImplementedError

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """With the kernel as it is."""
        return self.rounded(inputs[0], self.kernel.value)

    def rounded(self, x: Any, kernel: Any) -> Any:
        """The result with another kernel."""
        result = self.product(x, kernel)
        return result if self.bias is None else result + self.bias.value

    def requantized(self, sums: Any, real: Any) -> Any:
        """Accumulators `[batch, ..., channels]` times a real number of each channel, as the kernel rounds."""
        return multiplied(sums, real)

    def filters(self, weights: NDArray[Any]) -> NDArray[Any]:
        """From Keras's layout of the kernel to the file's."""
        raise NotImplementedError

    channel_axis: ClassVar[int] = 0
    """Of the file's layout."""

    def emit_product(self, out: Emission, source: int, weights: int, bias: int, target: Target) -> int:
        """The operators, weights and bias being constants."""
        raise NotImplementedError

    def emit_weighted(self, out: Emission, source: int, integers: Integers, target: Target) -> int:
        """Constants and operators."""
        scales = tuple(float(np.float32(scale)) for scale in integers.scales)
        zeros = (0,) * len(scales)
        step = out.quant(source).scale
        filters = np.ascontiguousarray(self.filters(integers.weights))
        weights = out.constant(f"{target.name}/weights", filters, Quant(scales, zeros, self.channel_axis), integers.dtype)
        bias = out.constant(f"{target.name}/bias", integers.bias, Quant(tuple(float(np.float32(step * s)) for s in scales), zeros))
        return self.emit_product(out, source, weights, bias, target)


@dataclass(frozen=True, eq=False)
class Convolution(Weighted):
    """Conv2D, kernel [height, width, inputs / groups, filters]; and Conv1D, kernel [length, inputs / groups, filters].

    Attributes:
        strides, dilation: One number an axis.
        padding: "same", "valid".
    """

    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: str

    @property
    def axes(self) -> int:
        """2 for images, 1 for sequences."""
        return len(self.strides)

    def product(self, x: Any, kernel: Any) -> Any:
        """See `Weighted.product`."""
        return _keras().ops.conv(
            x, kernel, strides=self.strides, padding=self.padding, data_format="channels_last", dilation_rate=self.dilation
        )

    def filters(self, weights: NDArray[Any]) -> NDArray[Any]:
        """[filters, height, width, inputs]."""
        return np.moveaxis(_as_images(weights, self.axes), -1, 0)

    def emit_product(self, out: Emission, source: int, weights: int, bias: int, target: Target) -> int:
        """CONV_2D."""
        (stride_h, stride_w), (dilation_h, dilation_w) = two(self.strides), two(self.dilation)
        options = Conv2DOptions(PADDINGS[self.padding], stride_w, stride_h, target.clamp, dilation_w, dilation_h)
        return over_images(out, "CONV_2D", source, (weights, bias), target, options)


@dataclass(frozen=True, eq=False)
class Depthwise(Convolution):
    """DepthwiseConv2D, kernel [height, width, inputs, multiplier]; and DepthwiseConv1D."""

    channel_axis: ClassVar[int] = 3

    def product(self, x: Any, kernel: Any) -> Any:
        """See `Weighted.product`."""
        return _keras().ops.depthwise_conv(
            x, kernel, strides=self.strides, padding=self.padding, data_format="channels_last", dilation_rate=self.dilation
        )

    def filters(self, weights: NDArray[Any]) -> NDArray[Any]:
        """[1, height, width, inputs * multiplier]."""
        wide = _as_images(weights, self.axes)
        return wide.reshape(1, *wide.shape[:2], -1)

    def emit_product(self, out: Emission, source: int, weights: int, bias: int, target: Target) -> int:
        """DEPTHWISE_CONV_2D."""
        (stride_h, stride_w), (dilation_h, dilation_w) = two(self.strides), two(self.dilation)
        options = DepthwiseConv2DOptions(
            PADDINGS[self.padding], stride_w, stride_h, int(self.kernel.shape[-1]), target.clamp, dilation_w, dilation_h
        )
        return over_images(out, "DEPTHWISE_CONV_2D", source, (weights, bias), target, options)


@dataclass(frozen=True, eq=False)
class TransposedConvolution(Convolution):
    """Conv2DTranspose, kernel [height, width, filters, inputs]."""

    takes_int4: ClassVar[bool] = False

    def product(self, x: Any, kernel: Any) -> Any:
        """See `Weighted.product`."""
        return _keras().ops.conv_transpose(x, kernel, strides=self.strides, padding=self.padding, data_format="channels_last")

    def filters(self, weights: NDArray[Any]) -> NDArray[Any]:
        """[filters, height, width, inputs]."""
        return np.moveaxis(weights, 2, 0)

    def emit_product(self, out: Emission, source: int, weights: int, bias: int, target: Target) -> int:
        """TRANSPOSE_CONV."""
        stride_h, stride_w = self.strides
        sizes = out.constant(f"{target.name}/shape", np.array(target.shape, np.int32))
        options = TransposeConvOptions(PADDINGS[self.padding], stride_w, stride_h, target.clamp)
        return out.op("TRANSPOSE_CONV", (sizes, weights, source, bias), target, options)


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """Dense, kernel [inputs, units], over the last axis."""

    def product(self, x: Any, kernel: Any) -> Any:
        """See `Weighted.product`."""
        return _keras().ops.matmul(x, kernel)

    def requantized(self, sums: Any, real: Any) -> Any:
        """See `Weighted.requantized`."""
        return multiplied_once(sums, real)

    def filters(self, weights: NDArray[Any]) -> NDArray[Any]:
        """[units, inputs]."""
        return np.transpose(weights)

    def emit_product(self, out: Emission, source: int, weights: int, bias: int, target: Target) -> int:
        """FULLY_CONNECTED."""
        options = FullyConnectedOptions(target.clamp, 0, int(len(target.shape) > 2))
        return out.op("FULLY_CONNECTED", (source, weights, bias), target, options)


def channel_axes(operation: Weighted) -> tuple[int, ...]:
    """Axes of the kernel, in Keras's layout, along which channels lie; together, in order, they are the output's channels."""
    rank = len(operation.kernel.shape)
    if isinstance(operation, Depthwise):
        return (rank - 2, rank - 1)
    return (rank - 2,) if isinstance(operation, TransposedConvolution) else (rank - 1,)


def shared_axes(operation: Weighted) -> tuple[int, ...]:
    """Axes of the kernel that share a step."""
    own = channel_axes(operation)
    return tuple(axis for axis in range(len(operation.kernel.shape)) if axis not in own)


def over_images(out: Emission, kind: str, source: int, constants: Sequence[int], target: Target, options: Any) -> int:
    """An operator on images, also for a sequence, which is an image of height 1."""
    wide = out.reshape(source, _image(out.shape(source)), f"{target.name}/image")
    shape = _image(target.shape)
    result = out.op(kind, (wide, *constants), out.through(target, shape), options)
    return out.reshape(result, target.shape, target.name)


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) == 4 else (shape[0], 1, shape[1], shape[2])


def _as_images(weights: NDArray[Any], axes: int) -> NDArray[Any]:
    return weights if axes == 2 else weights[np.newaxis]


def two(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a window, also of a sequence's."""
    return (1, sizes[0]) if len(sizes) == 1 else (sizes[0], sizes[1])
