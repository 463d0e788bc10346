"""Pools, padding, resizing and reshaping of images [batch, height, width, channels] and sequences [batch, length, channels]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reduction import ReducerOptions
from tinykd.compile.ops.resize_bilinear import ResizeBilinearOptions
from tinykd.compile.ops.resize_nearest_neighbor import ResizeNearestNeighborOptions
from tinykd.compile.ops.strided_slice import StridedSliceOptions
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.quantize.native.arithmetic import Result, Scale, away, mean
from tinykd.quantize.native.emission import Emission, Target
from tinykd.quantize.native.node import Operation
from tinykd.quantize.native.weighted import PADDINGS, over_images, two


@dataclass(frozen=True, eq=False)
class MaxPool(Operation):
    """MaxPooling1D and MaxPooling2D.

    Attributes:
        size, strides: One number an axis.
        padding: "same", "valid".
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: str

    grid = "input"
    kind: ClassVar[str] = "MAX_POOL_2D"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.max_pool(inputs[0], self.size, self.strides, self.padding, "channels_last")

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """One operator, on an image of height 1 for a sequence."""
        (height, width), (stride_h, stride_w) = two(self.size), two(self.strides)
        options = Pool2DOptions(PADDINGS[self.padding], stride_w, stride_h, width, height)
        return over_images(out, self.kind, sources[0], (), target, options)


class AveragePool(MaxPool):
    """AveragePooling1D and AveragePooling2D; padding takes no part."""

    kind = "AVERAGE_POOL_2D"
    rounds = True

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.average_pool(inputs[0], self.size, self.strides, self.padding, "channels_last")

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """Ties of the integers, zero point included, are rounded away from zero."""
        tf = tensorflow()
        return tf.cast(away(tf.cast(self.real(inputs, False), tf.float64) + scales[0].zero) - result.scale.zero, tf.float32)


@dataclass(frozen=True, eq=False)
class GlobalPool(Operation):
    """Global pooling over everything between batch and channels.

    Attributes:
        axes: Which they are.
    """

    axes: tuple[int, ...]
    kind: ClassVar[str] = "MEAN"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """Without the pooled axes; `Reshape` brings them back."""
        return _keras().ops.mean(inputs[0], axis=self.axes)

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """See `Operation.exact`."""
        tf = tensorflow()
        count = int(np.prod([inputs[0].shape[axis] for axis in self.axes]))
        return mean(tf.reduce_sum(tf.cast(inputs[0], tf.float64), self.axes), count, scales[0], result)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """A reduction."""
        axes = out.constant(f"{target.name}/axes", np.array(self.axes, np.int32))
        return out.op(self.kind, (*sources, axes), target, ReducerOptions(0))


class GlobalMaxPool(GlobalPool):
    """The largest."""

    grid = "input"
    kind = "REDUCE_MAX"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `GlobalPool.real`."""
        return _keras().ops.max(inputs[0], axis=self.axes)

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:  # noqa: ARG002
        """See `Operation.exact`."""
        return self.real(inputs, False)


@dataclass(frozen=True, eq=False)
class Pad(Operation):
    """Zeros around a tensor.

    Attributes:
        borders: Before and after, for every axis.
    """

    borders: tuple[tuple[int, int], ...]
    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.pad(inputs[0], self.borders)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """PAD."""
        borders = out.constant(f"{target.name}/borders", np.array(self.borders, np.int32))
        return out.op("PAD", (*sources, borders), target)


@dataclass(frozen=True, eq=False)
class Crop(Operation):
    """A part of a tensor.

    Attributes:
        begin, end: For every axis; the batch is whole.
    """

    begin: tuple[int, ...]
    end: tuple[int, ...]
    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        places = [slice(begin, end) for begin, end in zip(self.begin[1:], self.end[1:], strict=True)]
        whole = (slice(None), *places)
        return inputs[0][whole]

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """STRIDED_SLICE."""
        places = (("begin", self.begin), ("end", self.end), ("strides", (1,) * len(self.begin)))
        constants = [out.constant(f"{target.name}/{name}", np.array(values, np.int32)) for name, values in places]
        return out.op("STRIDED_SLICE", (*sources, *constants), target, StridedSliceOptions())


@dataclass(frozen=True, eq=False)
class Reshape(Operation):
    """Flatten, Reshape, RepeatVector's simplest case.

    Attributes:
        shape: Of one sample.
    """

    shape: tuple[int, ...]
    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.reshape(inputs[0], (-1, *self.shape))

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """RESHAPE."""
        return out.reshape(sources[0], target.shape, target.name)


@dataclass(frozen=True, eq=False)
class Permute(Operation):
    """Another order of axes.

    Attributes:
        order: Batch included, from 0.
    """

    order: tuple[int, ...]
    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return _keras().ops.transpose(inputs[0], self.order)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """TRANSPOSE."""
        return out.op("TRANSPOSE", (*sources, out.constant(f"{target.name}/order", np.array(self.order, np.int32))), target)


@dataclass(frozen=True, eq=False)
class ResizeNearest(Operation):
    """Each pixel is the nearest one of the input.

    Attributes:
        size: Height and width.
        half_pixel: 1 as Resizing takes pixels' centres, 0 as UpSampling2D repeats pixels: the same for whole factors.
    """

    size: tuple[int, int]
    half_pixel: int
    grid = "input"

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return tensorflow().raw_ops.ResizeNearestNeighbor(
            images=inputs[0], size=self.size, align_corners=False, half_pixel_centers=bool(self.half_pixel)
        )

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """RESIZE_NEAREST_NEIGHBOR."""
        size = out.constant(f"{target.name}/size", np.array(self.size, np.int32))
        return out.op("RESIZE_NEAREST_NEIGHBOR", (*sources, size), target, ResizeNearestNeighborOptions(0, self.half_pixel))


@dataclass(frozen=True, eq=False)
class ResizeBilinear(Operation):
    """Each pixel lies between four, by their centres.

    Attributes:
        size: Height and width.
    """

    size: tuple[int, int]
    grid = "input"
    rounds = True

    def real(self, inputs: Sequence[Any], training: bool) -> Any:  # noqa: ARG002
        """See `Operation.real`."""
        return tensorflow().raw_ops.ResizeBilinear(images=inputs[0], size=self.size, align_corners=False, half_pixel_centers=True)

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:
        """In real numbers, then rounded: the kernel's fractions of 1/1024 are not followed."""
        tf = tensorflow()
        return tf.cast(away(tf.cast(self.real(inputs, False), tf.float64) + scales[0].zero) - result.scale.zero, tf.float32)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """RESIZE_BILINEAR."""
        size = out.constant(f"{target.name}/size", np.array(self.size, np.int32))
        return out.op("RESIZE_BILINEAR", (*sources, size), target, ResizeBilinearOptions(0, 1))
