"""Correlation congruence: Peng et al. 2019, "Correlation Congruence for Knowledge Distillation"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, Shape, features, fixed
from tinykd.distill.losses.regressors import regressed, regressors
from tinykd.distill.losses.sizes import flat
from tinykd.distill.losses.unit import unit

keras = _keras()


class Correlation(Loss):
    """`‖C(r(F_s)) - C(F_t)‖_F^2 / batch^2`, `C[i, j] = k(F_i, F_j)`; summed over the pairs of layers.

    `r` embeds the student's flattened feature at the teacher's width. The kernel `k` is of embeddings `x`, `y`:

        gaussian  exp(-gamma ‖x - y‖^2) of embeddings of length 1, expanded:
                  exp(-2 gamma) sum over p = 0 .. order of (2 gamma)^p / p! (x · y)^p
        bilinear  x · y

    The teacher's embedding is its feature: were it trained too, both could shrink to a point and agree about nothing.

    Args:
        kernel: `gaussian` or `bilinear`.
        gamma: of the Gaussian, above 0.
        order: of its Taylor expansion, at least 1.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def __init__(self, kernel: Literal["gaussian", "bilinear"] = "gaussian", gamma: float = 0.4, order: int = 2) -> None:
        self.correlations = {"gaussian": self._gaussian, "bilinear": _bilinear}[kernel]
        self.gamma = gamma
        self.order = order

    def build(self, teacher_shapes: Sequence[Shape], student_shapes: Sequence[Shape]) -> None:
        """One embedding a pair, of the flattened features."""
        self.networks = regressors([(math.prod(shape),) for shape in teacher_shapes], [(math.prod(shape),) for shape in student_shapes])

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features, maps (flattened) or vectors, one a pair."""
        teachers = [flat(one) for one in fixed(teacher_outputs)]
        students = regressed(self.networks, [flat(one) for one in features(student_outputs)], teachers)
        loss = 0.0
        for teacher, student in zip(teachers, students, strict=True):
            loss += keras.ops.mean(keras.ops.square(self.correlations(student) - self.correlations(teacher)))
        return loss

    def _gaussian(self, rows: Any) -> Any:
        dots = _bilinear(unit(rows))
        terms = sum((2.0 * self.gamma) ** p / math.factorial(p) * dots**p for p in range(1, self.order + 1))
        return math.exp(-2.0 * self.gamma) * (1.0 + terms)


def _bilinear(rows: Any) -> Any:
    return keras.ops.matmul(rows, keras.ops.transpose(rows))
