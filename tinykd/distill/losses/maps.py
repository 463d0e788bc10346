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
        if have != size:
            feature = keras.ops.take(feature, np.arange(size) * have // size, axis=axis)
    return feature


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
    positions = first.shape[1] * first.shape[2]
    a, b = (keras.ops.reshape(one, (-1, positions, one.shape[-1])) for one in (first, second))
    return keras.ops.matmul(keras.ops.transpose(a, (0, 2, 1)), b) / positions


def widened(matrices: Any, first: Any, second: Any) -> Any:
    """What `moments` gives of two maps whose channels went through `first` and `second` before: `first^T M second`.

    A map has many positions and its moments have none: these are far quicker to widen.
    """
    turned = keras.ops.transpose(second(matrices), (0, 2, 1))
    return keras.ops.transpose(first(turned), (0, 2, 1))
