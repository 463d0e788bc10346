"""What a student sees in each epoch: inputs, and what a teacher says of them.

Labels alone (teacher and baseline), stored teacher outputs and a live teacher share the same views, and so the same inputs in
the same epochs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.stored_array import StoredArray
from tinykd.distill.teacher_outputs import Reader
from tinykd.distill.trainer import EpochInputs
from tinykd.distill.views import Views


@dataclass(frozen=True)
class LabelLessons:
    """No teacher."""

    views: Views

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        return EpochInputs(self.views.view(self.views.index(number)), lambda *_: {})


@dataclass(frozen=True)
class StoredLessons:
    """Teacher outputs from the store.

    Attributes:
        views: Of the training inputs.
        stored: By name: `logits`, and the layers that are compared.
    """

    views: Views
    stored: Mapping[str, StoredArray]

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        index = self.views.index(number)
        view = index if self.views.augmented else 0

        def teacher(_: Any, chosen: NDArray[np.int64]) -> Mapping[str, NDArray[Any]]:
            return {name: array.rows(view, chosen) for name, array in self.stored.items()}

        return EpochInputs(self.views.view(index), teacher)


@dataclass(frozen=True)
class LiveLessons:
    """The teacher sees each batch as the student does, every step.

    Attributes:
        views: Of the training inputs.
        reader: The teacher's outputs by name, from inputs; see `Teacher.reader`.
    """

    views: Views
    reader: Reader

    def epoch(self, number: int) -> EpochInputs:
        """See `tinykd.distill.trainer.Lessons`."""
        return EpochInputs(self.views.view(self.views.index(number)), lambda x, _: self.reader(x))
