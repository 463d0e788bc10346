"""Features brought to one spatial size: the larger map is average-pooled, axis by axis, so that positions correspond."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Shape
from tinykd.errors import UnsupportedModel

keras = _keras()


def matched(teacher: Any, student: Any) -> tuple[Any, Any]:
    """Both features at the smaller of their heights and the smaller of their widths.

    Args:
        teacher, student: `[batch, height, width, channels]` or `[batch, width]`; where only one is a map, the other being a
            vector, the map is averaged over all its positions.
    """
    if len(teacher.shape) == len(student.shape) == 2:
        return teacher, student
    if len(teacher.shape) == 2 or len(student.shape) == 2:
        return averaged(teacher), averaged(student)
    height, width = (min(teacher.shape[axis], student.shape[axis]) for axis in (1, 2))
    return pooled(teacher, height, width), pooled(student, height, width)


def averaged(feature: Any) -> Any:
    """The mean of a map over its positions, `[batch, channels]`; a vector as it is."""
    return keras.ops.mean(feature, axis=(1, 2)) if len(feature.shape) == 4 else feature


def pooled(feature: Any, height: int, width: int) -> Any:
    """A map `[batch, h, w, channels]` average-pooled to `[batch, height, width, channels]`, for any `h >= height`, `w >= width`."""
    if tuple(feature.shape[1:3]) == (height, width):
        return feature
    if feature.shape[1] % height == feature.shape[2] % width == 0:
        # The same windows, in an eighth of the time.
        window = (feature.shape[1] // height, feature.shape[2] // width)
        return keras.ops.average_pool(feature, window, window, data_format="channels_last")
    if feature.shape[1] != height:
        feature = keras.ops.einsum("oh,bhwc->bowc", windows(feature.shape[1], height), feature)
    if feature.shape[2] != width:
        feature = keras.ops.einsum("ow,bhwc->bhoc", windows(feature.shape[2], width), feature)
    return feature


def windows(size: int, out: int) -> NDArray[np.float32]:
    """Adaptive average pooling of one axis as a matrix `[out, size]`: row `i` averages positions `floor(i*size/out)` to
    `ceil((i+1)*size/out) - 1`. Where `out` divides `size` these are the ordinary windows."""
    matrix = np.zeros((out, size), np.float32)
    for row in range(out):
        start, end = row * size // out, math.ceil((row + 1) * size / out)
        matrix[row, start:end] = 1.0 / (end - start)
    return matrix


def flat(feature: Any) -> Any:
    """A map or a vector as one row a sample, `[batch, height * width * channels]`."""
    return keras.ops.reshape(feature, (-1, math.prod(feature.shape[1:]))) if len(feature.shape) > 2 else feature


def require_maps(name: str, *shapes: Shape) -> None:
    """Refuse vectors where only maps have a meaning.

    Raises:
        UnsupportedModel: one of `shapes` (without the batch axis) is not `(height, width, channels)`.
    """
    for shape in shapes:
        if len(shape) != 3:
            raise UnsupportedModel(
                f"{name} compares maps [height, width, channels], but a matched layer gives {list(shape)}",
                'name convolutional layers in pairs, or take a loss for vectors: "hint", "pkt", "similarity"',
            )
