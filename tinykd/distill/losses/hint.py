"""Hints: Romero et al. 2015, "FitNets: Hints for Thin Deep Nets", equation 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.regressors import regressed, regressors
from tinykd.distill.losses.sizes import matched

keras = _keras()


class Hint(Loss):
    """`mean (r(F_s) - F_t)^2` over batch, positions and channels; summed over the pairs of layers.

    `r` is a regressor from the student's width to the teacher's. The larger map is average-pooled to the smaller one's size.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """One regressor a pair."""
        self.networks = regressors(teacher_shapes, student_shapes)

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features, maps or vectors, one a pair."""
        teachers = fixed(teacher_outputs)
        students = regressed(self.networks, features(student_outputs), teachers)
        loss = 0.0
        for teacher, student in zip(teachers, students, strict=True):
            teacher, student = matched(teacher, student)
            loss += keras.ops.mean(keras.ops.square(student - teacher))
        return loss
