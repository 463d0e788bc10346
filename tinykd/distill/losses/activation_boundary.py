"""Activation boundaries: Heo et al. 2019, "Knowledge Transfer via Distillation of Activation Boundaries"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.regressors import regressed, regressors
from tinykd.distill.losses.sizes import matched

keras = _keras()


class ActivationBoundary(Loss):
    """`(r(s) + m)^2` where `t <= 0` and `r(s) > -m`; `(r(s) - m)^2` where `t > 0` and `r(s) <= m`; 0 elsewhere.

    Summed over neurons, mean over the batch; pair `i` of `n`, shallow to deep, counts `2^(i - n)`. On pre-activations: a student
    neuron is to be on where the teacher's is, by a margin, however strongly. A teacher's layer after its ReLU serves as well, for
    it has the same signs; the student's should be taken before, as `auto` does.

    Args:
        margin: `m`, above 0.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """One regressor a pair."""
        self.networks = regressors(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from pre-activations, maps or vectors, one a pair, shallow to deep."""
        teachers = fixed(teacher_outputs)
        students = regressed(self.networks, features(student_outputs), teachers)
        loss = 0.0
        for after, (teacher, student) in enumerate(reversed(list(zip(teachers, students, strict=True)))):
            teacher, student = matched(teacher, student)
            # The paper's four cases in one: on the teacher's side, and by how much the margin is missed there.
            side = keras.ops.where(teacher > 0, 1.0, -1.0)
            missed = keras.ops.relu(self.margin - side * student)
            neurons = keras.ops.sum(keras.ops.square(missed), axis=tuple(range(1, len(missed.shape))))
            loss += 0.5**after * keras.ops.mean(neurons)
        return loss
