"""Maximum mean discrepancy of channels: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.maps import gram
from tinykd.distill.losses.sizes import matched, require_maps
from tinykd.distill.losses.unit import inverse_length

keras = _keras()


def linear(teacher: Any, student: Any) -> Any:
    """With the dot product as kernel the discrepancy is the squared distance of the mean channels."""
    apart = _mean_channel(student) - _mean_channel(teacher)
    return keras.ops.mean(keras.ops.sum(keras.ops.square(apart), axis=(1, 2)))


def polynomial(teacher: Any, student: Any) -> Any:
    """With the squared dot product as kernel, from the matrices of dot products, where lengths are divided out."""
    within_t, within_s = gram(teacher), gram(student)
    across = keras.ops.matmul(keras.ops.swapaxes(teacher, 1, 2), student)
    t, s = (keras.ops.square(inverse_length(_diagonal(dots))) for dots in (within_t, within_s))
    discrepancy = 0.0
    for dots, left, right, times in ((within_t, t, t, 1.0), (within_s, s, s, 1.0), (across, t, s, -2.0)):
        # The sum over both channels is two products with vectors, which leaves the matrix to be gone through once.
        rows = keras.ops.matmul(keras.ops.square(dots), right[:, :, None])[:, :, 0]
        discrepancy += times * keras.ops.mean(rows * left) / right.shape[1]
    return discrepancy


#: Discrepancies of channels `[batch, positions, channels]` of both networks.
KERNELS: dict[str, Callable[[Any, Any], Any]] = {"linear": linear, "polynomial": polynomial}


class MMD(Loss):
    """`mean K(t, t') + mean K(s, s') - 2 mean K(s, t)` over all pairs of channels; mean over the batch, sum over pairs of layers.

    Channels are samples of a distribution: each is flattened over space and scaled to length 1 (a dead one stays 0). Their number
    and order are free.

    Args:
        kernel: `linear`, the dot product, or `polynomial`, its square.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, kernel: Literal["linear", "polynomial"] = "linear") -> None:
        self.discrepancy = KERNELS[kernel]

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """Refuse vectors, whose channels have one position."""
        require_maps("mmd", *teacher_shapes, *student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from maps `[batch, height, width, channels]`, one a pair."""
        loss = 0.0
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            require_maps("mmd", teacher.shape[1:], student.shape[1:])
            teacher, student = (_channels(feature) for feature in matched(teacher, student))
            loss += self.discrepancy(teacher, student)
        return loss


def _channels(feature: Any) -> Any:
    """`[batch, height * width, channels]`."""
    height, width, channels = feature.shape[1:]
    return keras.ops.reshape(feature, (-1, height * width, channels))


def _mean_channel(channels: Any) -> Any:
    """`[batch, positions, 1]`: of the channels at length 1."""
    weights = inverse_length(keras.ops.sum(keras.ops.square(channels), axis=1)) / channels.shape[-1]
    return keras.ops.matmul(channels, weights[:, :, None])


def _diagonal(matrices: Any) -> Any:
    """`[batch, channels]`; the gradient of a masked sum is much quicker than that of `keras.ops.diagonal`."""
    return keras.ops.sum(matrices * keras.ops.eye(matrices.shape[-1]), axis=-1)
