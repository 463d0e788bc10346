"""Several teachers of one student: Fukuda 2017; You 2017; Zhang, Chen and Wang 2022 (confidence)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_files import load_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective, Outputs
from tinykd.distill.schemes.ensemble import ensemble
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.schemes.terms import softened
from tinykd.distill.stages import Values
from tinykd.distill.tap import LOGITS
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import EpochInputs, Lessons
from tinykd.distill.views import generator
from tinykd.errors import UsageError
from tinykd.run import file_hash

TEACHERS = "teachers"
"""Name of all teachers' logits, `[batch, teachers, classes]`, beside those of their average."""


class MultiTeacher(Scheme):
    """Stage `teacher` trains each teacher and leaves their average; what the student sees of them is the recipe's `combine`."""

    def teacher(self) -> Values:
        """`teachers/NUMBER.keras`, each a stage of its own, or the given files, and their average `teacher.keras`."""
        training = self.recipe.teacher.train
        values = [
            self.labelled(name.removesuffix(".keras"), self.teacher_net, training, f"teacher {number}")
            for number, name in enumerate(self._names)
            if not self.section.paths
        ]
        key = self.stages.key("teacher", members=[file_hash(path) for path in self._paths], temperature=self.section.temperature)

        def compute() -> Values:
            model = ensemble([load_keras(path) for path in self._paths], self.section.temperature)
            self.stages.save(model, "teacher")
            parameters = {"parameters": int(model.count_params())}
            if not values:
                return parameters
            seconds = round(sum(each["training_seconds"] for each in values), 1)
            return {**values[-1], **parameters, "training_seconds": seconds}

        return self.stages.once_trained("teacher", key, compute)

    def lessons(self, teaching: Teaching, objective: Objective) -> Lessons:
        """See `COMBINE`."""
        return COMBINE[self.section.combine](self, teaching, objective)

    def goal(self, objective: Objective, model: Any) -> Objective:  # noqa: ARG002
        """With `confidence`, soft targets are weighted sample by sample; otherwise the recipe's losses as they are."""
        if self.section.combine != "confidence":
            return objective
        soft = sum(loss.weight for loss in self.recipe.distill.losses if loss.name == "kd")
        rest = tuple(term for term, loss in zip(objective.terms, self.recipe.distill.losses, strict=True) if loss.name != "kd")
        return ConfidenceObjective(
            objective.label_weight, objective.label_smoothing, rest, objective.teacher, soft, self.section.temperature
        )

    @property
    def labels(self) -> NDArray[np.int64]:
        """With `separate` once for each teacher."""
        return np.tile(self.data.train.y, len(self._paths)) if self.section.combine == "separate" else self.data.train.y

    def each(self, layers: tuple[str, ...]) -> list[Lessons]:
        """What each teacher says."""
        teachers = [replace(self.taught_by("teacher.keras"), teacher_path=path) for path in self._paths]
        return [teacher.lessons(layers) for teacher in teachers]

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(f"teachers/{number}.keras" for number in range(self.section.count))

    @property
    def _paths(self) -> tuple[Path, ...]:
        given = tuple(Path(path).expanduser() for path in self.section.paths)
        for path in given:
            if path.suffix != ".keras" or not path.is_file():
                raise UsageError(f"distill.scheme.paths: {path} is not a .keras file", "several teachers must be Keras 3 models")
        return given or tuple(self.run.path(name) for name in self._names)


@dataclass(frozen=True)
class ConfidenceObjective(Objective):
    """The recipe's other losses, and `soft_weight * T^2 mean sum_k w_k KL(p_k || p_s)`, `w_k` by `confidence`.

    Attributes:
        soft_weight: Of the soft targets.
        temperature: T.
    """

    soft_weight: float = 0.9
    temperature: float = 4.0

    def __call__(self, teacher: Outputs, student: Outputs, context: Mapping[str, Any]) -> Any:
        """See `Objective`."""
        ops = _keras().ops
        theirs = ops.stop_gradient(ops.cast(teacher[TEACHERS], "float32"))
        log_teachers = softened(theirs, self.temperature)
        own = ops.expand_dims(softened(student[LOGITS], self.temperature), 1)
        divergences = ops.sum(ops.exp(log_teachers) * (log_teachers - own), axis=-1)
        weighted = ops.sum(confidence(theirs, context["labels"]) * divergences, axis=1)
        return super().__call__(teacher, student, context) + self.soft_weight * self.temperature**2 * ops.mean(weighted)


def confidence(teachers: Any, labels: Any) -> Any:
    """`w_k = (1 - softmax_k CE(t_k, y)) / (K - 1)`, `[batch, teachers]`, rows sum to 1: the surer of the label, the more.

    Args:
        teachers: Logits `[batch, teachers, classes]`.
        labels: int `[batch]`.
    """
    ops = _keras().ops
    count, classes = teachers.shape[1], teachers.shape[2]
    target = ops.expand_dims(ops.one_hot(ops.cast(labels, "int32"), classes), 1)
    cross_entropy = -ops.sum(target * ops.log_softmax(teachers, axis=-1), axis=-1)
    return (1.0 - ops.softmax(cross_entropy, axis=1)) / (count - 1)


@dataclass(frozen=True)
class DrawnLessons:
    """Every step one teacher is drawn (`random`)."""

    teachers: Sequence[Lessons]
    seed: int

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        inputs = [teacher.epoch(number) for teacher in self.teachers]

        def outputs(x: NDArray[np.float32], chosen: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
            # The draw depends on epoch and batch alone, so that a resumed training sees the same teachers.
            drawn = generator(self.seed, "teacher of a step", number, int(chosen[0])).integers(len(inputs))
            return inputs[drawn].teacher(x, chosen)

        return EpochInputs(inputs[0].x, outputs)


@dataclass(frozen=True)
class SeparateLessons:
    """Every sample once with each teacher's outputs (`separate`): sample `i` of teacher `k` has position `k * samples + i`."""

    teachers: Sequence[Lessons]
    samples: int

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        inputs = [teacher.epoch(number) for teacher in self.teachers]

        def outputs(x: NDArray[np.float32], chosen: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
            who, sample = np.divmod(chosen, self.samples)
            said: dict[str, NDArray[Any]] = {}
            for teacher in np.unique(who):
                rows = who == teacher
                for name, values in inputs[teacher].teacher(x[rows], sample[rows]).items():
                    said.setdefault(name, np.empty((len(chosen), *values.shape[1:]), values.dtype))[rows] = values
            return said

        return EpochInputs(Repeated(inputs[0].x), outputs)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Repeated:
    """Rows of `x` as if it stood there many times over."""

    x: NDArray[np.float32]

    def __getitem__(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.x[chosen % len(self.x)]


@dataclass(frozen=True)
class AllLessons:
    """What the average says, and what each teacher says (`confidence`)."""

    average: Lessons
    teachers: Sequence[Lessons]

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        average, inputs = self.average.epoch(number), [teacher.epoch(number) for teacher in self.teachers]

        def outputs(x: NDArray[np.float32], chosen: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
            each = np.stack([teacher.teacher(x, chosen)[LOGITS] for teacher in inputs], axis=1)
            return {**average.teacher(x, chosen), TEACHERS: each}

        return EpochInputs(average.x, outputs)


def _average(_: MultiTeacher, teaching: Teaching, objective: Objective) -> Lessons:
    return teaching.lessons(objective.teacher_layers)


def _random(scheme: MultiTeacher, _: Teaching, objective: Objective) -> Lessons:
    return DrawnLessons(scheme.each(objective.teacher_layers), scheme.recipe.seed)


def _separate(scheme: MultiTeacher, _: Teaching, objective: Objective) -> Lessons:
    return SeparateLessons(scheme.each(objective.teacher_layers), len(scheme.data.train))


def _confidence(scheme: MultiTeacher, teaching: Teaching, objective: Objective) -> Lessons:
    return AllLessons(teaching.lessons(objective.teacher_layers), scheme.each(()))


COMBINE: dict[str, Callable[[MultiTeacher, Teaching, Objective], Lessons]] = {
    "average": _average,
    "random": _random,
    "separate": _separate,
    "confidence": _confidence,
}
