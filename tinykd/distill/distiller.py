"""Distillation in one's own code: a Keras model to `compile` and `fit`, with every loss of this package and standard callbacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Term, default_label_weight, make_term
from tinykd.distill.replicas import replicas
from tinykd.distill.tap import LOGITS, layer_shapes, tap
from tinykd.distill.weight_schedule import WeightSchedule
from tinykd.errors import UsageError
from tinykd.recipe.losses import SECTIONS, LossSection

keras = _keras()


class Distiller(keras.Model):  # type: ignore[misc,name-defined]
    """Trains `student` on labels and on what `teacher` gives for the same batch; both run once a step.

    The student learns from `label_weight * (compiled loss) + sum of weight * loss`. The teacher runs in inference mode, gets no
    gradient, and is no part of the model: neither its weights nor its layers are in a saved file. `save` writes the student alone;
    `save_weights` also the losses' helper networks, so that a training can go on. Validation looks at labels only. Each loss has
    its own metric (unweighted), and so has the label loss.

    Args:
        student: Functional or sequential Keras model, inputs -> logits `[batch, classes]`.
        teacher: Keras model, the same inputs -> logits; functional or sequential if its layers are compared.
        losses: Sections of `tinykd.recipe.losses`, their names, or `Term`s around loss objects.
        label_weight: Of the compiled loss; None as in a recipe: 1, less the weights of kd and its kin.
        samples: Training samples, for losses that remember each.
        epochs: Of the whole training, for weights that decay.

    Raises:
        RecipeError: a layer of a pair is not there.
        UsageError: no such loss; or, from `fit`, sample weights, which a loss between samples cannot heed.

    Example:
        >>> from tinykd.distill import Distiller
        >>> from tinykd.recipe.losses import Kd
        >>> distiller = Distiller(student, teacher, losses=[Kd(temperature=2.0), "attention"])
        >>> distiller.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        >>> distiller.fit(x, y, validation_data=(x_validation, y_validation), epochs=10)
        >>> student.save("student.keras")
    """

    def __init__(
        self,
        student: Any,
        teacher: Any,
        losses: Sequence[LossSection | str | Term] = ("kd",),
        *,
        label_weight: float | None = None,
        samples: int | None = None,
        epochs: float | None = None,
        name: str = "distiller",
    ) -> None:
        super().__init__(name=name)
        sections = [_section(one) if isinstance(one, str) else one for one in losses]
        if label_weight is None:
            label_weight = default_label_weight([one for one in sections if isinstance(one, LossSection)])
        self.label_weight = label_weight
        self.student = student
        shapes = layer_shapes(teacher)
        terms = [one if isinstance(one, Term) else _term(one, student, teacher, shapes, samples, epochs) for one in sections]
        # Keras adopts every model, layer and variable that is an attribute. What must stay outside hides in functions.
        read_student = tap(student, list(dict.fromkeys(ours for term in terms for ours, _ in term.pairs)))
        read_teacher = tap(teacher, list(dict.fromkeys(theirs for term in terms for _, theirs in term.pairs)))
        self._read_student: Any = lambda x, training: read_student(x, training=training)
        self._read_teacher: Any = lambda x: read_teacher(x, training=False)
        self._list_terms: Any = lambda: terms
        self._list_models: Any = lambda: {"student": student, "teacher": teacher}
        self.helpers = [network for term in terms for network in getattr(term.loss, "networks", ())]
        adopted = {id(variable) for network in self.helpers for variable in network.variables}
        self.memory = [one for term in terms for one in getattr(term.loss, "variables", ()) if id(one) not in adopted]
        self.finished_epochs = self.add_weight(shape=(), initializer="zeros", trainable=False, name="finished_epochs")
        self.label_tracker = keras.metrics.Mean(name="label_loss")
        names = [type(term.loss).__name__.lower() for term in terms]
        self.trackers = [
            keras.metrics.Mean(name=one if names.count(one) == 1 else f"{one}_{number}") for number, one in enumerate(names, start=1)
        ]
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Logits `[batch, classes]`; while training, a mapping with the tapped layers beside them."""
        return self._read_student(inputs, True) if training else self.student(inputs, training=False)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """What Keras asks for every batch."""
        outputs: Mapping[str, Any] = y_pred if isinstance(y_pred, Mapping) else {LOGITS: y_pred}
        label_loss = super().compute_loss(x, y, outputs[LOGITS], sample_weight, training)
        if not training:
            return label_loss
        if sample_weight is not None:
            raise UsageError("sample weights do not reach losses that compare whole batches", "repeat or leave out samples instead")
        parts = replicas()
        self.label_tracker.update_state(label_loss * parts)
        context = {"labels": y, "inputs": x, "epoch": self.finished_epochs, **self._list_models()}
        teacher = self._read_teacher(x)
        total = self.label_weight * label_loss
        for term, tracker in zip(self._list_terms(), self.trackers, strict=True):
            value = term.value(teacher, outputs, context)
            tracker.update_state(value)
            # Gradients of the replicas are added up, and Keras has divided the label loss already.
            total += term.weight * term.schedule.factor(self.finished_epochs) * value / parts
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Compiled metrics see logits."""
        logits = y_pred[LOGITS] if isinstance(y_pred, Mapping) else y_pred
        return super().compute_metrics(x, y, logits, sample_weight)

    def fit(self, *arguments: Any, callbacks: Any = None, **settings: Any) -> Any:
        """As `keras.Model.fit`; losses that warm up learn which epoch it is."""
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
        return super().fit(*arguments, callbacks=[_EpochCounter(), *given], **settings)

    def save(self, filepath: Any, *arguments: Any, **settings: Any) -> Any:
        """Save the student, and nothing else: what `keras.models.load_model` gives back."""
        return self.student.save(filepath, *arguments, **settings)


class _EpochCounter(keras.callbacks.Callback):  # type: ignore[misc,name-defined]
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.model.finished_epochs.assign(float(epoch))


def _section(name: str) -> LossSection:
    if name not in SECTIONS:
        raise UsageError(f"no loss is called {name}", f"choose from {', '.join(SECTIONS)}")
    return SECTIONS[name].model_validate({})


def _term(section: LossSection, student: Any, teacher: Any, shapes: Any, samples: int | None, epochs: float | None) -> Term:
    if section.decay != "none" and epochs is None:
        raise UsageError(f"the weight of {section.name} decays over the training, whose length nobody said", "pass epochs=")
    schedule = WeightSchedule(section.warmup_epochs, section.decay, epochs or 1.0)
    return replace(make_term(section, student, shapes, samples, teacher), schedule=schedule)
