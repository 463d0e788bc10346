"""Maximum mean discrepancy of channels: Huang and Wang 2017, "Like What You Like: Knowledge Distill via Neuron Selectivity Transfer"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.sizes import matched, require_maps
from tinykd.distill.losses.unit import inverse_length

keras = _keras()

#: Kernels of two channels `x`, `y` of length 1, from their dot product.
KERNELS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda dot: dot,
    "polynomial": keras.ops.square,
}


class MMD(Loss):
    """`mean K(t, t') + mean K(s, s') - 2 mean K(s, t)` over all pairs of channels; mean over the batch, sum over pairs of layers.

    Channels are samples of a distribution: each is flattened over space and scaled to length 1. Their number and order are
    free. With the linear kernel this is the squared distance of the mean channels.

    Args:
        kernel: `linear`, the dot product, or `polynomial`, its square.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, kernel: Literal["linear", "polynomial"] = "linear") -> None:
        self.kernel = KERNELS[kernel]

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """Refuse vectors, whose channels have one position."""
        require_maps("mmd", *teacher_shapes, *student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from maps `[batch, height, width, channels]`, one a pair."""
        loss = 0.0
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            require_maps("mmd", teacher.shape[1:], student.shape[1:])
            teacher, student = (_channels(feature) for feature in matched(teacher, student))
            within_t, within_s, across = _dots(teacher, teacher), _dots(student, student), _dots(student, teacher)
            t, s = _inverse_lengths(within_t), _inverse_lengths(within_s)
            for dots, left, right, times in ((within_t, t, t, 1.0), (within_s, s, s, 1.0), (across, s, t, -2.0)):
                loss += times * keras.ops.mean(self.kernel(dots * left[:, :, None] * right[:, None, :]))
        return loss


def _channels(feature: Any) -> Any:
    """`[batch, height * width, channels]`."""
    height, width, channels = feature.shape[1:]
    return keras.ops.reshape(feature, (-1, height * width, channels))


def _dots(a: Any, b: Any) -> Any:
    """`[batch, channels, channels]`. Lengths are divided out of this, which is far smaller than the maps."""
    return keras.ops.matmul(keras.ops.swapaxes(a, 1, 2), b)


def _inverse_lengths(dots: Any) -> Any:
    """Of every channel, `[batch, channels]`, from its dot products with itself; 0 of a dead one."""
    return inverse_length(keras.ops.diagonal(dots, axis1=1, axis2=2))
