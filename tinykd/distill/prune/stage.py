"""The stage `prune` of a run: the distilled student loses channels (or weights) and is distilled back with the recipe's losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.evaluation import accuracy, predictor
from tinykd.distill.keras_files import load_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.prune.amount import SIZES, prune_channels
from tinykd.distill.prune.masks import MaskedSteps, hold, masks_by_magnitude, share_of_zeros
from tinykd.distill.schemes.scheme import HELPERS, Scheme
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stages import Values, dump
from tinykd.distill.trainer import PLAIN, Steps
from tinykd.distill.weights import load_arrays, read_variables, save_arrays, write_variables
from tinykd.errors import UnsupportedModel
from tinykd.recipe.prune import Prune
from tinykd.run import file_hash

PRUNED = "pruned.keras"
PRUNED_HELPERS = "pruned_helpers.npz"


@dataclass(frozen=True)
class PruneStage:
    """Of one run whose student is trained.

    Attributes:
        scheme: Who taught the student.
        section: Of the recipe.
    """

    scheme: Scheme
    section: Prune

    def run(self) -> Values:
        """Prune and distil back. Values as the stage `student`'s, and `pruning`: what the report's section of that name says."""
        scheme, run = self.scheme, self.scheme.run
        key = scheme.learning.key(
            "prune",
            student=file_hash(run.path("student.keras")),
            helpers=file_hash(run.path(HELPERS)),
            prune=dump(self.section),
            distill=dump(scheme.recipe.distill),
            outputs=scheme.tutor.outputs_key,
        )
        return scheme.learning.once("prune", key, (PRUNED, PRUNED_HELPERS, "predictions/pruned.npz"), lambda: self._compute(key))

    def _compute(self, key: str) -> Values:
        scheme, section = self.scheme, self.section
        learning, tutor, run = scheme.learning, scheme.tutor, scheme.run
        student = load_keras(run.path("student.keras"))
        seed_everything(scheme.recipe.seed, "prune")
        cut = self._cut(student)
        reestimate_batch_norm(cut.model, learning.data.train.x)
        after_cut = self._accuracy(cut.model)
        scheme.progress.note(f"prune: {cut.said}")
        objective = tutor.objective(cut.model)
        helpers = load_arrays(run.path(HELPERS))
        if [each.shape for each in helpers] == [tuple(each.shape) for each in objective.variables]:
            write_variables(objective.variables, helpers)
        else:  # helper networks on layers that are narrower now begin anew
            tutor.prepare(objective)
        trainer = replace(learning.trainer("prune", key, _keras(), section.train, objective.continued()), steps=cut.steps)
        history = trainer.fit(cut.model, scheme.learning.data.train.y, tutor.lessons(objective.teacher_layers), scheme.data.validation)
        values = learning.kept("pruned", cut.model, history)
        save_arrays(run.path(PRUNED_HELPERS), read_variables(objective.variables))
        pruning = {
            "method": section.method,
            "importance": section.importance,
            "ranking": section.ranking,
            "layers": [{"layer": name, "before": before, "after": after} for name, (before, after) in cut.channels.items()],
            "zeros": cut.zeros,
            **{name: {"before": _size(name, student), "after": _size(name, cut.model)} for name in SIZES},
            "accuracy": {"student": self._accuracy(student), "cut": after_cut, "pruned": self._accuracy(cut.model)},
        }
        return {**values, "pruning": pruning}

    def _cut(self, student: Any) -> _Cut:
        if self.section.method == "weights":
            assert self.section.share is not None
            masks = masks_by_magnitude(student, self.section.share, self.section.ranking)
            copy, zeros = _copy(student), share_of_zeros(masks)
            hold(copy, masks)
            return _Cut(copy, {}, zeros, MaskedSteps(masks), f"{100 * zeros:.0f} % of the weights become 0")
        pruned = prune_channels(student, self.section)
        widths = ", ".join(f"{name} {before} -> {after}" for name, (before, after) in pruned.channels.items())
        return _Cut(pruned.model, pruned.channels, None, PLAIN, f"channels {widths}")

    def _accuracy(self, model: Any) -> dict[str, float]:
        predict, data = predictor(model), self.scheme.data
        return {"test": accuracy(predict(data.test.x), data.test.y), "validation": accuracy(predict(data.validation.x), data.validation.y)}


@dataclass(frozen=True, eq=False)
class _Cut:
    """A network that has lost something and not been trained yet.

    Attributes:
        model: The network.
        channels: By layer, before and after; empty if single weights went.
        zeros: Fraction of weights that are zero, or None.
        steps: How it is trained so that what is lost stays lost.
        said: For people.
    """

    model: Any
    channels: Mapping[str, tuple[int, int]]
    zeros: float | None
    steps: Steps
    said: str


def _copy(model: Any) -> Any:
    copy = _keras().models.clone_model(model)
    copy.set_weights(model.get_weights())
    return copy


def _size(name: str, model: Any) -> int | None:
    """None for a network with a layer that no sketch has."""
    try:
        return SIZES[name](model)
    except UnsupportedModel:
        return None
