"""Features as maps: vectors are maps of one position, and maps are enlarged by repeating positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Shape

keras = _keras()


def as_map(feature: Any) -> Any:
    """`[batch, height, width, channels]` as it is; `[batch, width]` as `[batch, 1, 1, width]`."""
    return feature if len(feature.shape) == 4 else keras.ops.reshape(feature, (-1, 1, 1, feature.shape[-1]))


def map_shape(shape: Shape) -> tuple[int, int, int]:
    """`(height, width, channels)` of one sample's feature as `as_map` gives it."""
    height, width = shape[:2] if len(shape) == 3 else (1, 1)
    return height, width, shape[-1]


def nearest(feature: Any, height: int, width: int) -> Any:
    """A map brought to `[batch, height, width, channels]`: row `i` is row `floor(i h / height)` of its `h`, columns likewise."""
    for axis, size in ((1, height), (2, width)):
        have = int(feature.shape[axis])
        if size % have == 0:
            feature = _repeated(feature, size // have, axis)
        elif have != size:
            feature = keras.ops.take(feature, np.arange(size) * have // size, axis=axis)
    return feature


def _repeated(feature: Any, times: int, axis: int) -> Any:
    """Each row (`axis` 1) or column (2) `times` times: as `take`, whose gradient is far slower."""
    if times == 1:
        return feature
    shape = [-1, *feature.shape[1:]]
    wide = keras.ops.repeat(keras.ops.expand_dims(feature, axis + 1), times, axis=axis + 1)
    return keras.ops.reshape(wide, [*shape[:axis], shape[axis] * times, *shape[axis + 1 :]])


def same_width(teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> list[Any]:
    """One linear map of channels a pair, the student's to the teacher's (a 1x1 convolution without bias); none where they are equal."""
    networks = []
    for number, (teacher, student) in enumerate(zip(teacher_shapes, student_shapes, strict=True)):
        same = teacher[-1] == student[-1]
        network = keras.layers.Identity() if same else keras.layers.Dense(teacher[-1], use_bias=False, name=f"same_width_{number}")
        network.build((None, student[-1]))
        networks.append(network)
    return networks


def moments(first: Any, second: Any) -> Any:
    """The mean over positions of the products of every two channels, `[batch, channels, channels]`, of maps of one size."""
    a, b = _rows(first), _rows(second)
    return keras.ops.matmul(keras.ops.swapaxes(a, 1, 2), b) / a.shape[1]


def own_moments(feature: Any) -> Any:
    """`moments` of a map with itself, for whatever is made of them symmetrically (see `gram`)."""
    rows = _rows(feature)
    return gram(rows) / rows.shape[1]


def gram(rows: Any) -> Any:
    """`rows^T rows`, `[..., channels, channels]` from `[..., positions, channels]`.

    What comes back to a symmetric matrix is symmetric, and then the gradient is the same through either factor: taken through one, and
    transposed for the other, it costs half.
    """
    dots = keras.ops.matmul(keras.ops.swapaxes(keras.ops.stop_gradient(rows), -1, -2), rows)
    return dots + keras.ops.swapaxes(dots, -1, -2) - keras.ops.stop_gradient(dots)


def _rows(feature: Any) -> Any:
    """`[batch, positions, channels]`."""
    return keras.ops.reshape(feature, (-1, feature.shape[1] * feature.shape[2], feature.shape[-1]))


def widened(matrices: Any, first: Any, second: Any) -> Any:
    """What `moments` gives of two maps whose channels went through `first` and `second` before: `first^T M second`.

    A map has many positions and its moments have none: these are far quicker to widen.
    """
    turned = keras.ops.transpose(second(matrices), (0, 2, 1))
    return keras.ops.transpose(first(turned), (0, 2, 1))
