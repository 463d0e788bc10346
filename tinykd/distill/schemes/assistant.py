"""Networks between teacher and student: Mirzadeh et al. 2020 (chain); Gao, Wang and Wan 2020 (residual)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_files import load_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective, Term
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.stages import Values, dump
from tinykd.distill.tap import LOGITS
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import EpochInputs, Lessons
from tinykd.distill.weights import read_variables, write_variables
from tinykd.run import file_hash


class Assistant(Scheme):
    """Stages `assistants/NAME` lead from the teacher to the student."""

    def student(self) -> Values:
        """The assistants, then the student, taught by the last of them."""
        ASSISTED[self.section.kind](self)
        return super().student()

    @cached_property
    def tutor(self) -> Teaching:
        """The last assistant; with `residual`, the sum of first student and assistant."""
        return self.taught_by(LAST[self.section.kind](self))

    def before(self, stage: str, key: str, model: Any, teaching: Teaching) -> None:
        """With `residual` the student goes on from its first training."""
        if self.section.kind == "residual" and stage == "student":
            write_variables(model.variables, read_variables(load_keras(self.run.path("assistants/student.keras")).variables))
            return
        super().before(stage, key, model, teaching)


def _chain(scheme: Assistant) -> None:
    teaching = scheme.teaching
    for number, net in enumerate(scheme.section.assistants):
        scheme.taught(f"assistants/{number}", net, teaching, f"assistant {number}")
        teaching = scheme.taught_by(f"assistants/{number}.keras")


def _residual(scheme: Assistant) -> None:
    """Student; assistant on what it misses; their sum."""
    first, rest, total = "assistants/student", "assistants/residual", "assistants/sum"
    scheme.taught(first, scheme.recipe.student, scheme.teaching)
    (net,) = scheme.section.assistants
    training = scheme.recipe.distill.train
    missed = scheme.stages.key(
        rest,
        net=net.net,
        knobs=net.knobs,
        student=file_hash(scheme.run.path(f"{first}.keras")),
        outputs=scheme.teaching.outputs_key,
        train=dump(training),
    )

    def compute() -> Values:
        from tinykd.distill.losses.logits import Logits

        model = scheme.stages.built("assistant 0", net)
        student = scheme.taught_by(f"{first}.keras").network.reader()
        lessons = ResidualLessons(scheme.teaching.lessons(), lambda x: student(x)[LOGITS])
        return scheme.stages.trained(rest, missed, model, training, Objective(0.0, 0.0, (Term(1.0, Logits()),)), lessons)

    scheme.stages.once_trained(rest, missed, compute)

    def add() -> Values:
        parts = [load_keras(scheme.run.path(f"{name}.keras")) for name in (first, rest)]
        model = summed(parts)
        scheme.stages.save(model, total)
        return {"parameters": int(model.count_params())}

    digests = [file_hash(scheme.run.path(f"{name}.keras")) for name in (first, rest)]
    scheme.stages.once_trained(total, scheme.stages.key(total, parts=digests), add)


def summed(parts: list[Any]) -> Any:
    """Networks of one input shape as one whose logits are the sum of theirs."""
    keras = _keras()
    inputs = keras.Input(tuple(parts[0].input_shape[1:]), name="input")
    for number, part in enumerate(parts):
        part.name = f"part{number}"
    return keras.Model(inputs, keras.layers.Add()([part(inputs) for part in parts]), name="sum")


@dataclass(frozen=True)
class ResidualLessons:
    """What a student's logits miss of the teacher's.

    Attributes:
        teacher: Its lessons.
        student: Inputs `[batch, ...]` -> logits of the student, which is fixed.
    """

    teacher: Lessons
    student: Callable[[NDArray[np.float32]], NDArray[np.float32]]

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        inputs = self.teacher.epoch(number)

        def missed(x: NDArray[np.float32], chosen: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
            return {LOGITS: inputs.teacher(x, chosen)[LOGITS] - self.student(x)}

        return replace(inputs, teacher=missed)


ASSISTED: dict[str, Callable[[Assistant], None]] = {
    "chain": _chain,
    "residual": _residual,
}

LAST: dict[str, Callable[[Assistant], str]] = {
    "chain": lambda scheme: f"assistants/{len(scheme.section.assistants) - 1}.keras",
    "residual": lambda _: "assistants/sum.keras",
}
