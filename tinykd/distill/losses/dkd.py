"""Decoupled knowledge distillation: Zhao et al. 2022, "Decoupled Knowledge Distillation"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, needed
from tinykd.distill.losses.response import both_logits
from tinykd.errors import UnsupportedModel

keras = _keras()

#: Takes a class out of a softmax; finite, so that no gradient becomes NaN.
NEVER = -1e30


class DKD(Loss):
    """`alpha T^2 KL(b_t || b_s) + beta T^2 KL(q_t || q_s)`, mean over the batch.

    `b = [p_y, 1 - p_y]` is the probability of the label against all other classes; `q` are the other classes' probabilities
    among themselves. `KL(p_t || p_s) = KL(b_t || b_s) + (1 - p_y of the teacher) KL(q_t || q_s)`: kd mutes the second term
    wherever the teacher is sure. All of it is computed from log-probabilities: no logit gives an infinity.

    Args:
        alpha: weight of the target against the rest.
        beta: weight of what the rest looks like.
        temperature: `T`, above 0.
    """

    def __init__(self, alpha: float = 1.0, beta: float = 8.0, temperature: float = 4.0) -> None:
        self.alpha = alpha
        self.beta = beta
        self.temperature = temperature

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """Refuse two classes, of which the one that is not the target has nothing to be compared with."""
        for (classes,) in (*teacher_shapes, *student_shapes):
            _check_classes(classes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """Scalar loss from logits `[batch, classes]` and `labels`, int `[batch]`.

        Raises:
            UsageError: no labels.
            UnsupportedModel: fewer than 3 classes.
        """
        teacher, student = both_logits(teacher_outputs, student_outputs)
        classes = student.shape[-1]
        _check_classes(classes)
        target = keras.ops.one_hot(keras.ops.cast(needed(context, "labels", "dkd"), "int32"), classes)
        of_teacher, of_student = (_decoupled(logits / self.temperature, target) for logits in (teacher, student))
        binary, rest = (
            keras.ops.mean(keras.ops.sum(keras.ops.exp(log_t) * (log_t - log_s), axis=-1))
            for log_t, log_s in zip(of_teacher, of_student, strict=True)
        )
        return self.temperature**2 * (self.alpha * binary + self.beta * rest)


def _decoupled(logits: Any, target: Any) -> tuple[Any, Any]:
    """Log-probabilities of target and rest, `[batch, 2]`, and of the other classes among themselves, `[batch, classes]`.

    The target's own entry of the latter is `NEVER`, whose probability is 0.
    """
    log_probabilities = keras.ops.log_softmax(logits, axis=-1)
    others = keras.ops.where(target > 0, NEVER, log_probabilities)
    log_rest = keras.ops.logsumexp(others, axis=-1, keepdims=True)
    log_target = keras.ops.sum(target * log_probabilities, axis=-1, keepdims=True)
    return keras.ops.concatenate([log_target, log_rest], axis=-1), keras.ops.where(target > 0, NEVER, others - log_rest)


def _check_classes(classes: int) -> None:
    if classes < 3:
        raise UnsupportedModel(f"dkd needs 3 classes or more, not {classes}", "with two classes take kd: it is the same there but for beta")
