"""Probabilistic knowledge transfer: Passalis and Tefas 2018, "Learning Deep Representations with Probabilistic Knowledge Transfer"."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.losses.loss import Loss, features, fixed
from tinykd.distill.losses.sizes import flat
from tinykd.distill.losses.unit import unit

keras = _keras()

#: Inside the logarithms, as in the authors' code.
EPSILON = 1e-7


class PKT(Loss):
    """`mean_ij P_t[i, j] log(P_t[i, j] / P_s[i, j])`, `P` the rows of `(cosine(F_i, F_j) + 1) / 2` scaled to sum 1; summed over pairs.

    `P[i, j]` is the chance that sample `i` picks `j` as its neighbour. The mean is over all batch x batch entries, as in the
    authors' code: `1 / batch^2` of the sum of divergences, hence the large weight.
    """

    compares: ClassVar[Literal["logits", "features"]] = "features"

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **_: Any) -> Any:
        """Scalar loss from features, maps (flattened) or vectors, one a pair."""
        loss = 0.0
        for teacher, student in zip(fixed(teacher_outputs), features(student_outputs), strict=True):
            p_teacher, p_student = _neighbours(teacher), _neighbours(student)
            loss += keras.ops.mean(p_teacher * keras.ops.log((p_teacher + EPSILON) / (p_student + EPSILON)))
        return loss


def _neighbours(feature: Any) -> Any:
    """Probabilities `[batch, batch]`, each row of sum 1."""
    rows = unit(flat(feature))
    similarity = (keras.ops.matmul(rows, keras.ops.transpose(rows)) + 1.0) / 2.0
    return similarity / keras.ops.sum(similarity, axis=1, keepdims=True)
