"""Soft targets: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network", section 2."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.response import both_logits

keras = _keras()


class KD(Loss):
    """`T^2 * KL(softmax(t/T) || softmax(s/T))`, summed over classes, mean over the batch.

    The factor `T^2` keeps the gradient's size independent of `T`, so that the weight beside the label loss keeps its meaning.
    Both sides go through `log_softmax`: no logit, however large, gives a NaN or a clipped divergence.

    Args:
        temperature: `T`, above 0; higher values show more of the teacher's wrong classes.

    Example:
        >>> loss = KD(temperature=4.0).compute_loss(teacher_logits, student_logits)
    """

    def __init__(self, temperature: float = 4.0) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from logits `[batch, classes]` of teacher and student; no gradient reaches the teacher."""
        teacher, student = both_logits(teacher_outputs, student_outputs)
        log_teacher = keras.ops.log_softmax(teacher / self.temperature, axis=-1)
        log_student = keras.ops.log_softmax(student / self.temperature, axis=-1)
        divergence = keras.ops.sum(keras.ops.exp(log_teacher) * (log_teacher - log_student), axis=-1)
        return self.temperature**2 * keras.ops.mean(divergence)
