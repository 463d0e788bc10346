"""Attention transfer: Zagoruyko and Komodakis 2017, "Paying More Attention to Attention", section 3.1, equation 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.sizes import flat, matched, require_maps
from tinykd.distill.losses.unit import unit

keras = _keras()


class Attention(Loss):
    """`mean (A(F_s) - A(F_t))^2`, `A(F) = vec(mean_c |F|^power)` scaled to length 1; summed over the pairs of layers.

    Where a network looks, not what it sees there: channels need not agree in number or order, nor activations in size.

    Args:
        power: 2 in the paper's experiments; larger ones see the strongest channels only.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, power: float = 2.0) -> None:
        self.power = power

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """Refuse vectors, which have no positions."""
        require_maps("attention", *teacher_shapes, *student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from maps `[batch, height, width, channels]`, one a pair."""
        loss = 0.0
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            require_maps("attention", teacher.shape[1:], student.shape[1:])
            teacher, student = matched(teacher, student)
            loss += keras.ops.mean(keras.ops.square(attention_map(student, self.power) - attention_map(teacher, self.power)))
        return loss


def attention_map(feature: Any, power: float = 2.0) -> Any:
    """`[batch, height * width]` of length 1 each, from `[batch, height, width, channels]`."""
    strength = keras.ops.square(feature) if power == 2 else keras.ops.power(keras.ops.abs(feature), power)
    return unit(flat(keras.ops.mean(strength, axis=-1)))
