"""Teacher-bounded regression: Chen et al. 2017, "Learning Efficient Object Detection Models with Knowledge Distillation"."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, needed
from tinykd.distill.losses.response import both_logits

keras = _keras()


class Bounded(Loss):
    """`‖s - y‖^2` where `‖s - y‖^2 + margin > ‖t - y‖^2`, else 0; summed over outputs, mean over the batch.

    The teacher is a bound, not a target: a student that is nearer to the truth by the margin is left alone.

    Labels that are floats `[batch, outputs]` are what the outputs should be. Labels that are integers `[batch]` name
    classes: then `s` and `t` are the softmax of the logits, and `y` is one-hot (the error is Brier's score).

    Args:
        margin: `m`, squared units of the outputs, at least 0.
    """

    def __init__(self, margin: float = 0.0) -> None:
        self.margin = margin

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """Scalar loss from outputs `[batch, outputs]` and `labels`.

        Raises:
            UsageError: no labels.
        """
        teacher, student = both_logits(teacher_outputs, student_outputs)
        truth = keras.ops.convert_to_tensor(needed(context, "labels", "bounded"))
        if "int" in keras.backend.standardize_dtype(truth.dtype):
            truth = keras.ops.one_hot(keras.ops.cast(truth, "int32"), student.shape[-1])
            teacher, student = keras.ops.softmax(teacher, axis=-1), keras.ops.softmax(student, axis=-1)
        truth = keras.ops.cast(truth, "float32")
        error_student = keras.ops.sum(keras.ops.square(student - truth), axis=-1)
        error_teacher = keras.ops.sum(keras.ops.square(teacher - truth), axis=-1)
        return keras.ops.mean(keras.ops.where(error_student + self.margin > error_teacher, error_student, 0.0))
