"""Offline distillation: a fixed teacher, whose outputs are stored once or computed every step (Hinton 2015).

Three kinds of lessons share the same views and so the same inputs in the same epochs: labels alone (teacher and baseline),
stored teacher outputs, and a live teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.teacher import Teacher
from tinykd.distill.trainer import EpochInputs
from tinykd.distill.views import Views


@dataclass(frozen=True)
class LabelLessons:
    """No teacher: its place in a batch is filled with zeros of the right shape, which no objective without terms looks at."""

    views: Views
    classes: int

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        return EpochInputs(self.views.view(self.views.index(number)), self._zeros)

    def _zeros(self, x: NDArray[np.float32], _: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.zeros((len(x), self.classes), np.float32)


@dataclass(frozen=True)
class StoredLessons:
    """Teacher logits from the store, float32 `[views, samples, classes]`."""

    views: Views
    logits: NDArray[np.float32]

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        index = self.views.index(number)
        stored = self.logits[index if self.views.augmented else 0]

        def teacher(_: Any, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
            logits: NDArray[np.float32] = stored[chosen]
            return logits

        return EpochInputs(self.views.view(index), teacher)


@dataclass(frozen=True)
class LiveLessons:
    """The teacher sees each batch as the student does, every step."""

    views: Views
    teacher: Teacher

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        return EpochInputs(self.views.view(self.views.index(number)), lambda x, _: self.teacher.logits(x))
