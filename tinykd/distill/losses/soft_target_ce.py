"""Cross-entropy with soft targets: kd without the teacher's entropy and without `T^2`."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.response import both_logits

keras = _keras()


class SoftTargetCE(Loss):
    """`-sum over classes of p_t log p_s`, `p = softmax(z/T)`, mean over the batch.

    Its gradient is that of `KL(p_t || p_s)`; its least value is the teacher's entropy, not 0.

    Args:
        temperature: `T`, above 0.
    """

    def __init__(self, temperature: float = 4.0) -> None:
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from logits `[batch, classes]`."""
        teacher, student = both_logits(teacher_outputs, student_outputs)
        targets = keras.ops.softmax(teacher / self.temperature, axis=-1)
        log_student = keras.ops.log_softmax(student / self.temperature, axis=-1)
        return -keras.ops.mean(keras.ops.sum(targets * log_student, axis=-1))
