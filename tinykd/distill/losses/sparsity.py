"""Sparsity patterns: which neurons are on. The plain form of what activation boundaries (Heo et al. 2019) relax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.regressors import regressed, regressors
from tinykd.distill.losses.sizes import matched

keras = _keras()


def straight_through(x: Any, slope: float) -> Any:
    """`1[x > 0]`, with the gradient of `sigmoid(slope * x)`."""
    soft = sigmoid(x, slope)
    hard = keras.ops.cast(x > 0, "float32")
    return soft + keras.ops.stop_gradient(hard - soft)


def sigmoid(x: Any, slope: float) -> Any:
    """`sigmoid(slope * x)`."""
    return keras.ops.sigmoid(slope * x)


SURROGATES = {"straight_through": straight_through, "sigmoid": sigmoid}


class Sparsity(Loss):
    """`mean |1[F_s > 0] - 1[F_t > 0]|` over batch, positions and channels; summed over the pairs of layers.

    The step has no gradient: the student's is replaced by a surrogate. Where widths differ a regressor maps the student's first.
    The student's layer should be the one before its ReLU, as `auto` takes it: after it, a neuron that is off gets no gradient to turn on.

    Args:
        surrogate: `straight_through`, the step itself with the sigmoid's gradient (neurons that agree get none), or `sigmoid`.
        slope: of the sigmoid at 0, times 4; above 0.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, surrogate: Literal["straight_through", "sigmoid"] = "straight_through", slope: float = 4.0) -> None:
        self.surrogate = SURROGATES[surrogate]
        self.slope = slope

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """A regressor a pair, if any pair differs in width."""
        if any(teacher[-1] != student[-1] for teacher, student in zip(teacher_shapes, student_shapes, strict=True)):
            self.networks = regressors(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from pre-activations, maps or vectors, one a pair."""
        teachers = fixed(teacher_outputs)
        students = regressed(self.networks, features(student_outputs), teachers)
        loss = 0.0
        for teacher, student in zip(teachers, students, strict=True):
            teacher, student = matched(teacher, student)
            loss += keras.ops.mean(keras.ops.abs(self.surrogate(student, self.slope) - keras.ops.cast(teacher > 0, "float32")))
        return loss
