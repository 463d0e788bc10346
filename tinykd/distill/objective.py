"""What a training minimises: weighted label loss plus weighted distillation losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.pairs import Layers, PairNames, resolve_pairs
from tinykd.distill.tap import LOGITS, layer_shapes, pre_activations
from tinykd.distill.weight_schedule import CONSTANT, WeightSchedule
from tinykd.recipe.losses import FeatureSection, LossSection
from tinykd.recipe.model import Distill

Outputs = Mapping[str, Any]
"""What a network gives for a batch: `logits` [batch, classes], and features by the name of their layer."""


class Loss(Protocol):
    """The interface of `keras.distillation.DistillationLoss`."""

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **context: Any) -> Any:
        """Scalar loss."""
        ...


@dataclass(frozen=True)
class Term:
    """One distillation loss, its weight over the training, and the layers that it compares (none: logits)."""

    weight: float
    loss: Loss
    pairs: PairNames = ()
    schedule: WeightSchedule = CONSTANT

    def value(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:
        """The unweighted loss of a batch, a scalar."""
        if not self.pairs:
            return self.loss.compute_loss(teacher[LOGITS], student[LOGITS], **context)
        theirs = [teacher[layer] for _, layer in self.pairs]
        ours = [student[layer] for layer, _ in self.pairs]
        return self.loss.compute_loss(theirs, ours, **context)


@dataclass(frozen=True)
class Objective:
    """`label_weight * cross-entropy + sum of weight * loss`.

    Attributes:
        label_weight: Of the cross-entropy with the labels.
        label_smoothing: Probability spread over all classes.
        terms: Distillation losses.
        teacher: The teacher's Keras model for losses that need it itself, not only its outputs; None where there is none.
    """

    label_weight: float = 1.0
    label_smoothing: float = 0.0
    terms: tuple[Term, ...] = ()
    teacher: Any = None

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:
        """Scalar loss, mean over the batch.

        Args:
            teacher: Not looked at when there are no terms.
            student: Of the same batch.
            context: As `tinykd.distill.losses.loss.Context`; labels, int `[batch]`, at least.
        """
        tf = tensorflow()
        total = tf.constant(0.0)
        if self.label_weight:
            total += self.label_weight * label_loss(context["labels"], student[LOGITS], self.label_smoothing)
        for term in self.terms:
            weight = term.weight * term.schedule.factor(context.get("epoch"))
            total += weight * term.value(teacher, student, context)
        return total

    def continued(self) -> Objective:
        """For a training that goes on after this objective's: every weight stays as it was at the end."""
        terms = (replace(term, weight=term.weight * term.schedule.last, schedule=CONSTANT) for term in self.terms)
        return replace(self, terms=tuple(terms))

    @property
    def student_layers(self) -> tuple[str, ...]:
        """Layers of the student that some term reads."""
        return tuple(dict.fromkeys(ours for term in self.terms for ours, _ in term.pairs))

    @property
    def teacher_layers(self) -> tuple[str, ...]:
        """Layers of the teacher that some term reads."""
        return tuple(dict.fromkeys(theirs for term in self.terms for _, theirs in term.pairs))

    @property
    def trainable_variables(self) -> list[Any]:
        """Of the losses' helper networks."""
        return [variable for term in self.terms for variable in getattr(term.loss, "trainable_variables", [])]

    @property
    def variables(self) -> list[Any]:
        """All that the losses hold from one step to the next."""
        return [variable for term in self.terms for variable in getattr(term.loss, "variables", [])]


def label_loss(labels: Any, logits: Any, smoothing: float = 0.0) -> Any:
    """Cross-entropy with the labels, int `[batch]`, mean over the batch; `smoothing` of their probability is spread over all classes."""
    tf = tensorflow()
    classes = logits.shape[-1]
    targets = tf.one_hot(labels, classes) * (1.0 - smoothing) + smoothing / classes
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))


def label_weight(section: Distill) -> float:
    """Weight of the cross-entropy: the recipe's, or the default."""
    return default_label_weight(section.losses) if section.label_weight is None else section.label_weight


def default_label_weight(losses: Sequence[LossSection]) -> float:
    """What soft targets, which stand in for labels, leave of 1."""
    return max(0.0, 1.0 - sum(loss.weight for loss in losses if loss.shares_labels))


def distillation_objective(
    section: Distill, student: Any, teacher: Layers, samples: int | None = None, teacher_model: Any = None
) -> Objective:
    """The recipe's `[distill]` losses with their helper networks, made for these two networks.

    Helper networks draw their first weights from Keras's global generator: seed it before.

    Args:
        section: Of the recipe.
        student: Keras model.
        teacher: Its layers with shapes, "logits" among them.
        samples: Of the training split.
        teacher_model: See `Objective.teacher`.

    Raises:
        RecipeError: a layer is not there.
    """
    terms = tuple(
        replace(
            make_term(one, student, teacher, samples, teacher_model),
            schedule=WeightSchedule(one.warmup_epochs, one.decay, section.train.epochs),
        )
        for one in section.losses
    )
    return Objective(label_weight(section), section.train.label_smoothing, terms, teacher_model)


def make_term(section: LossSection, student: Any, teacher: Layers, samples: int | None = None, teacher_model: Any = None) -> Term:
    """One loss of a recipe, its layers found and its helper networks made; arguments as `distillation_objective`."""
    from tinykd.distill.losses import from_recipe

    loss = from_recipe(section)
    loss.samples = samples
    ours = layer_shapes(student)
    pairs = _pairs(section, student, ours, teacher) if isinstance(section, FeatureSection) else ()
    compared = pairs or ((LOGITS, LOGITS),)
    loss.build([teacher[theirs] for _, theirs in compared], [ours[mine] for mine, _ in compared])
    loss.attach(student, teacher_model, pairs)
    return Term(section.weight, loss, pairs if section.compares == "features" else ())


def _pairs(section: FeatureSection, student: Any, ours: Layers, teacher: Layers) -> PairNames:
    pairs = resolve_pairs(section, ours, teacher)
    if section.pairs != "auto" or section.reads == "output":
        return pairs
    before = pre_activations(student)
    return tuple((before.get(mine, mine), theirs) for mine, theirs in pairs)
