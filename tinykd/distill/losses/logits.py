"""Regression on logits: Ba and Caruana 2014, "Do Deep Nets Really Need to be Deep?"."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.response import both_logits

keras = _keras()


class Logits(Loss):
    """`mean over classes of (s - t)^2`, mean over the batch."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from logits `[batch, classes]`."""
        teacher, student = both_logits(teacher_outputs, student_outputs)
        return keras.ops.mean(keras.ops.square(student - teacher))
