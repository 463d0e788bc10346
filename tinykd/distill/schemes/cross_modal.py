"""The teacher sees another view of each sample: Gupta, Hoffman and Malik 2016, "Cross Modal Distillation for Supervision Transfer"."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinykd import data as datasets
from tinykd.data import Dataset
from tinykd.distill.lessons import LabelLessons, StoredLessons
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.stages import Stages, Values, dump
from tinykd.distill.tap import LOGITS
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import Lessons
from tinykd.distill.views import Views
from tinykd.errors import DataError, RecipeError
from tinykd.recipe.model import Augment


class CrossModal(Scheme):
    """Stage `teacher` trains on the paired data; its outputs for each pair teach the student."""

    @cached_property
    def paired(self) -> Dataset:
        """The same samples in the same order, as the teacher sees them.

        Raises:
            RecipeError: the recipe would change one of the two views, or run the teacher on the wrong one.
            DataError: other samples.
        """
        if Augment() != self.recipe.data.augment or Augment() != self.section.data.augment:
            raise RecipeError("augmentation would change one view of a pair and not the other", "remove the tables [...data.augment]")
        if self.recipe.distill.teacher_outputs == "live":
            raise RecipeError("a live teacher would see the student's view", 'set distill.teacher_outputs = "stored"')
        paired = datasets.load(self.section.data, self.recipe.seed)
        for name in ("train", "validation", "test"):
            mine, theirs = getattr(self.data, name), getattr(paired, name)
            if len(mine) != len(theirs) or not np.array_equal(mine.y, theirs.y):
                raise DataError(
                    f"distill.scheme.data: its {name} split has {len(theirs)} samples that are not the {len(mine)} of the student's data",
                    "both data sets must hold the same samples in the same order, with the same labels and fractions",
                )
        return paired

    @cached_property
    def teaching(self) -> Teaching:
        """On the teacher's view."""
        recipe = self.recipe.model_copy(update={"data": self.section.data})
        return PairedTeaching(recipe, self.paired, self.run, self.progress, self.teacher_path, self.data)

    def teacher(self) -> Values:
        """On the teacher's view."""
        if self.teacher_path is not None:
            return super().teacher()
        net, training = self.teacher_net, self.recipe.teacher.train
        stages = Stages(self.recipe, self.paired, self.run, self.progress)
        key = stages.key("teacher", net=net.net, knobs=net.knobs, train=dump(training))

        def compute() -> Values:
            lessons = LabelLessons(self.teaching.fresh_views())
            return stages.trained("teacher", key, stages.built("teacher", net), training, Objective(1.0, training.label_smoothing), lessons)

        return stages.once_trained("teacher", key, compute)


@dataclass(frozen=True)
class PairedTeaching(Teaching):
    """A teacher whose samples stand beside the student's.

    Attributes:
        student: The student's data; `data` is the teacher's.
    """

    student: Any = None

    def lessons(self, layers: tuple[str, ...] = ()) -> Lessons:
        """The student's inputs, with what the teacher said of their pairs."""
        stored = self.outputs(layers).train
        views = Views(self.student.train.x, Augment(), self.recipe.seed, 0, "fresh views")
        return StoredLessons(views, {name: stored[name] for name in (LOGITS, *layers)})
