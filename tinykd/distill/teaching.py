"""The teacher's side of a run: the teacher itself, what it said, and what the student minimises with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from tinykd.data import Dataset
from tinykd.distill.keras_files import load_keras
from tinykd.distill.lessons import LiveLessons, StoredLessons
from tinykd.distill.objective import Objective, distillation_objective
from tinykd.distill.outside_outputs import read_stored_outputs
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stored_array import Form
from tinykd.distill.tap import LOGITS
from tinykd.distill.teacher import STORED, Teacher, keras_network, load_teacher, teacher_kind
from tinykd.distill.teacher_outputs import Source, TeacherOutputs, open_stores, read_all
from tinykd.distill.trainer import Lessons
from tinykd.distill.views import Views
from tinykd.recipe.model import Augment, Recipe
from tinykd.run import RunDirectory, content_key, file_hash

#: Where the stores of teacher outputs lie, beside the run.
STORES = ".teacher_outputs"


@dataclass(frozen=True)
class Teaching:
    """Of one run. Whatever reads the teacher needs a trained or given one.

    Attributes:
        recipe: Of the run.
        data: Loaded and checked.
        run: Where `teacher.keras` is.
        progress: Who is told.
        teacher_path: A given teacher instead of the trained one.
    """

    recipe: Recipe
    data: Dataset
    run: RunDirectory
    progress: TrainingProgress
    teacher_path: Path | None = None

    @cached_property
    def digest(self) -> str:
        """Hash of the teacher's file."""
        return file_hash(self.teacher_path or self.run.path("teacher.keras"))

    @cached_property
    def stored_file(self) -> Path | None:
        """Somebody else's stored outputs, if these are the teacher."""
        return self.teacher_path if self.teacher_path is not None and teacher_kind(self.teacher_path) == STORED else None

    @cached_property
    def network(self) -> Teacher:
        """The teacher as something to run."""
        if self.teacher_path is None:
            network = keras_network(load_keras(self.run.path("teacher.keras")))
            return Teacher(network, "logits", self.data.classes, "the trained teacher")
        section = self.recipe.teacher
        return load_teacher(self.teacher_path, section.outputs, self.data.input_shape, self.data.classes, section.layout)

    @cached_property
    def outputs_key(self) -> str:
        """Names what the student may learn from the teacher."""
        section = self.recipe.distill
        return content_key(**self._made_of, dtype=section.stored_dtype, top=section.stored_top)

    def outputs(self, layers: tuple[str, ...] = ()) -> TeacherOutputs:
        """Logits and features of `layers`, from the stores, filled where they are not."""
        if self.stored_file is not None:
            return read_stored_outputs(self.stored_file, self.data, self.recipe.teacher.layout)
        # Beside the run, so that runs with the same teacher on the same data share what it said.
        root = self.run.root.absolute().parent / STORES
        section = self.recipe.distill
        return open_stores(root, self._made_of, layers, Form(section.stored_dtype, section.stored_top), self._source)

    def objective(self, student: Any) -> Objective:
        """The recipe's losses, their layers found in `student` and teacher and their helper networks made."""
        section = self.recipe.distill
        theirs: Mapping[str, tuple[int, ...]] = {LOGITS: (self.data.classes,)}
        model = None
        if any(loss.compares != "logits" for loss in section.losses):
            if self.stored_file is not None:
                theirs = {name: array.shape[2:] for name, array in self.outputs().train.items()}
            else:
                theirs, model = self.network.layers, self.network.network.model
        seed_everything(self.recipe.seed, "helpers")
        return distillation_objective(section, student, theirs, len(self.data.train), model)

    def prepare(self, objective: Objective) -> None:
        """Let helper networks that the teacher alone determines see its features of the training split (of the first view)."""
        from tinykd.distill.losses.loss import Loss

        prepared = [
            (term.loss, term.pairs) for term in objective.terms if getattr(type(term.loss), "prepare", Loss.prepare) != Loss.prepare
        ]
        if not prepared:
            return
        layers = tuple(dict.fromkeys(theirs for _, pairs in prepared for _, theirs in pairs))
        if self.recipe.distill.teacher_outputs == "live":
            features = read_all(self.network.reader(layers), self.views().view(0))
        else:
            features = {name: array.view(0) for name, array in self.outputs(layers).train.items()}
        for loss, pairs in prepared:
            assert isinstance(loss, Loss)
            loss.prepare([features[theirs] for _, theirs in pairs])

    def lessons(self, layers: tuple[str, ...] = ()) -> Lessons:
        """Teacher outputs, stored or live as the recipe says, with the features of `layers`."""
        if self.recipe.distill.teacher_outputs == "live":
            return LiveLessons(self.views(), self.network.reader(layers))
        stored = self.outputs(layers).train
        return StoredLessons(self.views(), {name: stored[name] for name in (LOGITS, *layers)})

    def views(self) -> Views:
        """Of the training inputs, as the student sees them: as many as the recipe stores, or new ones every epoch."""
        count = self.recipe.distill.views
        return Views(self.data.train.x, self.recipe.data.augment, self.recipe.seed, count, "views" if count else "fresh views")

    def fresh_views(self) -> Views:
        """Of the training inputs, new ones every epoch."""
        return Views(self.data.train.x, self.recipe.data.augment, self.recipe.seed, 0, "fresh views")

    @cached_property
    def _made_of(self) -> dict[str, Any]:
        """What the teacher's outputs depend on; the data's hash covers samples, their order and their preprocessing."""
        section, augment = self.recipe.distill, self.recipe.data.augment
        augmented = augment != Augment()
        return {
            "teacher": self.digest,
            "kind": self.recipe.teacher.outputs,
            "layout": self.recipe.teacher.layout,
            "data": self.data.content_hash,
            "augment": augment.model_dump(mode="json"),
            # A live teacher sees its training inputs every step; only evaluation reads what is stored.
            "views": 0 if section.teacher_outputs == "live" else section.views if augmented else 1,
            "seed": self.recipe.seed if augmented else None,
        }

    def _source(self) -> Source:
        self.progress.note("teacher outputs: computing")
        views = self.views()
        inputs = [partial(views.view, number) for number in range(int(self._made_of["views"]))]
        return Source(self.network.reader, inputs, self.data.validation.x, self.data.test.x)
