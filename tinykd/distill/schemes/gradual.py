"""The student follows checkpoints of the teacher's training: Min et al. 2019; Jin et al. 2019 (route constrained optimization)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.keras_files import load_keras, save_keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.stages import Values, dump
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import EpochInputs, Lessons


class Gradual(Scheme):
    """Stage `teacher` also keeps the teacher as it was at each anchor."""

    def teacher(self) -> Values:
        """`anchors/EPOCH.keras` for each but the last anchor, and `teacher.keras`."""
        net, training = self.teacher_net, self.recipe.teacher.train
        key = self.stages.key("teacher", net=net.net, knobs=net.knobs, train=dump(training), anchors=list(self.epochs))

        def compute() -> Values:
            keep = {epoch: self.run.path(name) for epoch, name in zip(self.epochs, self.files)}
            history = self.stages.fitted(
                "teacher",
                key,
                model := self.stages.built("teacher", net),
                training,
                Objective(1.0, training.label_smoothing),
                LabelLessons(self.teaching.fresh_views()),
                keep=keep,
            )
            for path in keep.values():
                anchor = load_keras(path)
                reestimate_batch_norm(anchor, self.data.train.x)
                save_keras(anchor, path)
            return self.stages.kept("teacher", model, history)

        return self.stages.once("teacher", key, ("teacher.keras", "predictions/teacher.npz", *self.files), compute)

    def lessons(self, teaching: Teaching, objective: Objective) -> Lessons:
        """From the first anchor to the trained teacher."""
        layers = objective.teacher_layers
        anchors = [self.taught_by(name).lessons(layers) for name in self.files]
        return GradualLessons((*anchors, teaching.lessons(layers)), self.recipe.distill.train.epochs)

    @property
    def epochs(self) -> tuple[int, ...]:
        """After which the teacher is kept, evenly spaced; the last anchor is the trained teacher itself."""
        total, anchors = self.recipe.teacher.train.epochs, self.section.anchors
        return tuple(sorted({max(1, round(total * number / anchors)) for number in range(1, anchors)} - {total}))

    @property
    def files(self) -> tuple[str, ...]:
        """Of the anchors."""
        return tuple(f"anchors/{epoch}.keras" for epoch in self.epochs)


@dataclass(frozen=True)
class GradualLessons:
    """An equal share of `epochs` with each anchor; longer trainings stay with the last.

    Attributes:
        anchors: Their lessons, from early to final.
        epochs: Of the student's training.
    """

    anchors: Sequence[Lessons]
    epochs: int

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        return self.anchors[self.anchor(number)].epoch(number)

    def anchor(self, number: int) -> int:
        """Which anchor teaches in epoch `number`, from 0."""
        return min(len(self.anchors) - 1, number * len(self.anchors) // self.epochs)
