"""Correlation in place of divergence: Huang et al. 2022, "Knowledge Distillation from A Stronger Teacher"."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss
from tinykd.distill.losses.response import both_logits

keras = _keras()

#: Added to the product of two deviations, as in the authors' code.
EPSILON = 1e-8
#: Sum of squared deviations of what counts as constant: rounding leaves as much of equal probabilities.
CONSTANT = 1e-14


class Dist(Loss):
    """`T^2 (beta (1 - mean_i r(p_s[i, :], p_t[i, :])) + gamma (1 - mean_j r(p_s[:, j], p_t[:, j])))`, `r` Pearson's correlation.

    Rows `i` are samples, columns `j` classes, `p = softmax(z/T)`: what counts is how the student ranks the classes of a sample, and
    the samples of a batch within a class; scale and offset of its probabilities are its own. A batch of one has no second term.

    Args:
        beta: weight of the relation between classes.
        gamma: weight of the relation within a class.
        temperature: `T`, above 0.
    """

    def __init__(self, beta: float = 1.0, gamma: float = 1.0, temperature: float = 4.0) -> None:
        self.beta = beta
        self.gamma = gamma
        self.temperature = temperature

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from logits `[batch, classes]`."""
        teacher, student = both_logits(teacher_outputs, student_outputs)
        p_teacher = keras.ops.softmax(teacher / self.temperature, axis=-1)
        p_student = keras.ops.softmax(student / self.temperature, axis=-1)
        between = 1.0 - keras.ops.mean(pearson(p_student, p_teacher, axis=1))
        within = 1.0 - keras.ops.mean(pearson(p_student, p_teacher, axis=0))
        return self.temperature**2 * (self.beta * between + self.gamma * within)


def pearson(a: Any, b: Any, axis: int) -> Any:
    """Pearson's correlation of `a` and `b` along `axis`; 0, without a gradient, where one of them is constant."""
    a = a - keras.ops.mean(a, axis=axis, keepdims=True)
    b = b - keras.ops.mean(b, axis=axis, keepdims=True)
    squares_a, squares_b = (keras.ops.sum(keras.ops.square(x), axis=axis) for x in (a, b))
    vary = keras.ops.minimum(squares_a, squares_b) > CONSTANT
    # A square root of 0 has an infinite gradient even where it is not used.
    lengths = keras.ops.sqrt(keras.ops.where(vary, squares_a * squares_b, 1.0))
    return keras.ops.where(vary, keras.ops.sum(a * b, axis=axis) / (lengths + EPSILON), 0.0)
