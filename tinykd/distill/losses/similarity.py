"""Similarity-preserving distillation: Tung and Mori 2019, "Similarity-Preserving Knowledge Distillation"."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, features, fixed
from tinykd.distill.losses.sizes import flat
from tinykd.distill.losses.unit import unit

keras = _keras()


class Similarity(Loss):
    """`‖G_s - G_t‖_F^2 / batch^2`, `G = F F^T` with rows scaled to length 1, `F` flattened to a row a sample; summed over pairs.

    Samples alike to the teacher shall be alike to the student: widths and sizes of the layers are free.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features, maps or vectors, one a pair."""
        loss = 0.0
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            loss += keras.ops.mean(keras.ops.square(_similarities(student) - _similarities(teacher)))
        return loss


def _similarities(feature: Any) -> Any:
    rows = flat(feature)
    return unit(keras.ops.matmul(rows, keras.ops.transpose(rows)))
