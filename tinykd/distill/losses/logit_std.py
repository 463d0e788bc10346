"""Standardised logits: Sun et al. 2024, "Logit Standardization in Knowledge Distillation", algorithm 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.dist import Dist
from tinykd.distill.losses.dkd import DKD
from tinykd.distill.losses.kd import KD
from tinykd.distill.losses.loss import Loss, Shape
from tinykd.distill.losses.response import both_logits

keras = _keras()

#: The losses that it can stand in front of; each with its own defaults, but for the temperature.
BEFORE: dict[str, type[KD] | type[DKD] | type[Dist]] = {"kd": KD, "dkd": DKD, "dist": Dist}
EPSILON = 1e-7


class LogitStd(Loss):
    """`kd`, `dkd` or `dist` of `(z - mean(z)) / (deviation(z) + 1e-7)`, mean and deviation over the classes of a sample.

    The student need not reach the teacher's range of logits, only its shape.

    Args:
        before: the loss that sees the standardised logits.
        temperature: `T` of that loss, on logits of deviation 1.
        ddof: the variance is the sum of squares over `classes - ddof`: 1 as in the authors' code,
            0 as in the paper's formula. The difference is one of temperature, by `sqrt(classes / (classes - 1))`.
    """

    def __init__(self, before: Literal["kd", "dkd", "dist"] = "kd", temperature: float = 2.0, ddof: Literal[0, 1] = 1) -> None:
        self.loss = BEFORE[before](temperature=temperature)
        self.ddof = ddof

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """As the loss behind does."""
        self.loss.build(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """Scalar loss from logits `[batch, classes]`; the context goes on to the loss behind."""
        teacher, student = both_logits(teacher_outputs, student_outputs)
        return self.loss.compute_loss(standardised(teacher, self.ddof), standardised(student, self.ddof), **context)


def standardised(logits: Any, ddof: int) -> Any:
    """Zero mean and unit deviation along the last axis; equal logits become 0, without a gradient."""
    centred = logits - keras.ops.mean(logits, axis=-1, keepdims=True)
    variance = keras.ops.sum(keras.ops.square(centred), axis=-1, keepdims=True) / (logits.shape[-1] - ddof)
    vary = variance > EPSILON**2
    deviation = keras.ops.sqrt(keras.ops.where(vary, variance, 1.0))
    return keras.ops.where(vary, centred / (deviation + EPSILON), 0.0)
