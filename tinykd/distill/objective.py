"""What a training minimises: weighted label loss plus weighted distillation losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from tinykd.distill.keras_modules import tensorflow
from tinykd.recipe.model import Distill


class Loss(Protocol):
    """The interface of `keras.distillation.DistillationLoss`."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any) -> Any:
        """Scalar loss."""
        ...


@dataclass(frozen=True)
class Term:
    """One distillation loss and its weight."""

    weight: float
    loss: Loss


@dataclass(frozen=True)
class Objective:
    """`label_weight * cross-entropy + sum of weight * loss`; called with integer labels and logits `[batch, classes]`."""

    label_weight: float = 1.0
    label_smoothing: float = 0.0
    terms: tuple[Term, ...] = ()

    def __call__(self, labels: Any, teacher_logits: Any, student_logits: Any) -> Any:
        """Scalar loss, mean over the batch. `teacher_logits` is not looked at when there are no terms."""
        tf = tensorflow()
        total = tf.constant(0.0)
        if self.label_weight:
            classes = student_logits.shape[-1]
            targets = tf.one_hot(labels, classes) * (1.0 - self.label_smoothing) + self.label_smoothing / classes
            total += self.label_weight * tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, student_logits))
        for term in self.terms:
            total += term.weight * term.loss.compute_loss(teacher_logits, student_logits)
        return total


def label_weight(section: Distill) -> float:
    """Weight of the cross-entropy: the recipe's, or what soft targets (losses that stand in for labels) leave of 1."""
    if section.label_weight is not None:
        return section.label_weight
    return max(0.0, 1.0 - sum(loss.weight for loss in section.losses if loss.shares_labels))


def distillation_objective(section: Distill) -> Objective:
    """The recipe's `[distill]` losses. Importing this far imports Keras."""
    from tinykd.distill.losses import from_recipe

    terms = tuple(Term(loss.weight, from_recipe(loss)) for loss in section.losses)
    return Objective(label_weight(section), section.train.label_smoothing, terms)
