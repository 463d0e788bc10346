"""What a scheme is: how a run gets a teacher and a student. By itself it is offline distillation; other schemes change a part.

Whatever it does, a scheme ends with two files: `teacher.keras` (or a given teacher), which the report compares with, and
`student.keras` of the recipe's architecture. Schemes without a teacher trained before leave the ensemble that their student
came from as `teacher.keras`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Dataset
from tinykd.distill.keras_files import load_keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective
from tinykd.distill.pairs import Layers
from tinykd.distill.preflight import check_layers
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stages import Stages, Values, dump
from tinykd.distill.tap import layer_shapes
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import Lessons
from tinykd.distill.weights import read_variables, save_arrays, write_variables
from tinykd.recipe.model import Distill, Recipe, Training
from tinykd.recipe.net import Net
from tinykd.recipe.netaug import NetAug
from tinykd.run import RunDirectory

#: Where the losses' helper networks end.
HELPERS = "helpers.npz"

#: Files of the stage `student`.
STUDENT_FILES = ("student.keras", HELPERS, "predictions/student.npz")


@dataclass(frozen=True)
class Scheme:
    """Offline distillation: a trained or given teacher, then the student (Hinton 2015).

    Attributes:
        recipe: Of the run.
        data: Loaded and checked.
        run: Where results go.
        progress: Who is told.
        teacher_path: A given teacher instead of one to train.
    """

    recipe: Recipe
    data: Dataset
    run: RunDirectory
    progress: TrainingProgress
    teacher_path: Path | None = None

    @property
    def section(self) -> Any:
        """The recipe's `[distill.scheme]`."""
        return self.recipe.distill.scheme

    @cached_property
    def stages(self) -> Stages:
        """On the run's data."""
        return Stages(self.recipe, self.data, self.run, self.progress)

    @cached_property
    def learning(self) -> Stages:
        """On what the student learns from, which is the run's data unless the scheme says otherwise."""
        return self.stages

    @cached_property
    def teaching(self) -> Teaching:
        """The teacher that the report compares with; from `outputs` on after `teacher`."""
        return Teaching(self.recipe, self.data, self.run, self.progress, self.teacher_path)

    @cached_property
    def tutor(self) -> Teaching:
        """The teacher that the student learns from, also in quantization-aware training."""
        return self.teaching if self.learning.data is self.data else replace(self.teaching, data=self.learning.data)

    # The two stages.

    def teacher(self) -> Values:
        """Train the teacher, or check the given one. Values: seconds, parameters, epochs."""
        if self.teacher_path is not None:
            return self.run.once("teacher", self.stages.key("teacher", digest=self.teaching.digest), (), self._given_teacher)
        return self.labelled("teacher", self.teacher_net, self.recipe.teacher.train, "teacher")

    def student(self) -> Values:
        """Distil. Values as `teacher`."""
        return self.taught("student", self.recipe.student, self.tutor)

    # What schemes are made of.

    @property
    def teacher_net(self) -> Net:
        """The architecture of the teacher that the recipe trains."""
        assert self.recipe.teacher.net is not None
        return Net(net=self.recipe.teacher.net, knobs=self.recipe.teacher.knobs)

    def labelled(self, stage: str, net: Net, training: Training, purpose: str) -> Values:
        """A stage that trains a network on labels alone, with new views every epoch."""
        key = self.stages.key(stage, net=net.net, knobs=net.knobs, train=dump(training))

        def compute() -> Values:
            lessons = LabelLessons(self.teaching.fresh_views())
            objective = Objective(1.0, training.label_smoothing)
            if stage == "teacher":
                self._check_layers(layer_shapes(self.stages.built(purpose, net)))
            return self.stages.trained(stage, key, self.stages.built(purpose, net), training, objective, lessons)

        return self.stages.once_trained(stage, key, compute)

    def taught(self, stage: str, net: Net, teaching: Teaching, purpose: str = "student") -> Values:
        """A stage that trains a network with the recipe's losses against a teacher: its trainings before the last, then the last."""
        key = self.learning.key(
            stage, net=net.net, knobs=net.knobs, distill=dump(self.recipe.distill), purpose=purpose, outputs=teaching.outputs_key
        )

        extra = (HELPERS,) if stage == "student" else ()

        def compute() -> Values:
            model = self.learning.built(purpose, net)
            self.before(stage, key, model, teaching)
            objective = teaching.objective(model)
            teaching.prepare(objective)
            lessons = self.lessons(teaching, objective)
            training, goal = self.recipe.distill.train, self.goal(objective, model)
            if stage != "student" or self.recipe.distill.netaug is None:
                history = self.learning.fitted(stage, key, self.trained(model, objective), training, goal, lessons, self.labels)
                self.settle(model)
                values = self.learning.kept(stage, model, history)
            else:
                values = self._augmented(stage, key, model, goal, lessons, self.recipe.distill.netaug)
            if extra:
                save_arrays(self.run.path(HELPERS), read_variables(objective.variables))
            return values

        return (
            self.learning.once(stage, key, STUDENT_FILES, compute)
            if stage == "student"
            else self.learning.once_trained(stage, key, compute)
        )

    def _augmented(self, stage: str, key: str, model: Any, goal: Objective, lessons: Lessons, section: NetAug) -> Values:
        """Train the student inside a wider network, which is gone when it is kept."""
        from tinykd.distill.netaug.steps import augmented_steps

        training = self.recipe.distill.train
        seed_everything(self.recipe.seed, "network augmentation")
        steps = augmented_steps(model, section, goal.student_layers, self.recipe.seed, training.epochs)
        history = self.learning.fitted(stage, key, steps.supernet, training, goal, lessons, self.labels, steps=steps)
        steps.supernet.extract()
        cost = steps.cost(len(self.labels) // min(training.batch_size, len(self.labels)))
        self.progress.note(f"{stage}: {cost.augmented_steps} of {cost.steps} steps were augmented")
        return {**self.learning.kept(stage, model, history), "netaug": asdict(cost)}

    def before(self, stage: str, key: str, model: Any, teaching: Teaching) -> None:
        """The recipe's trainings before the last, in place. A finished one is a stage of its own: a resumed run loads its weights."""
        for number, section in enumerate(self.recipe.distill.before, start=1):
            name = f"{stage}_before{number}"
            earlier = replace(teaching, recipe=self._with(label_weight=section.label_weight, losses=section.losses, train=section.train))

            def compute(name: str = name, earlier: Teaching = earlier, training: Training = section.train) -> Values:
                objective = earlier.objective(model)
                earlier.prepare(objective)
                return self.learning.trained(name, key, model, training, objective, earlier.lessons(objective.teacher_layers))

            self.learning.once_trained(name, key, compute)
            write_variables(model.variables, read_variables(load_keras(self.run.path(f"{name}.keras")).variables))

    # What a scheme changes about the student's training.

    def trained(self, model: Any, objective: Objective) -> Any:  # noqa: ARG002
        """What takes the steps: the student itself, or something around it."""
        return model

    def goal(self, objective: Objective, model: Any) -> Objective:  # noqa: ARG002
        """What is minimised, given the recipe's losses."""
        return objective

    def lessons(self, teaching: Teaching, objective: Objective) -> Lessons:
        """What the student sees, epoch by epoch."""
        return teaching.lessons(objective.teacher_layers)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Of what the student sees, `[samples]`."""
        return self.learning.data.train.y

    def settle(self, model: Any) -> None:
        """Put into the student what was around it."""

    # Tools.

    def taught_by(self, name: str) -> Teaching:
        """As `teaching`, with a network of this run, which gives logits, for a teacher."""
        recipe = self.recipe.model_copy(update={"teacher": self.recipe.teacher.model_copy(update={"outputs": "logits"})})
        return Teaching(recipe, self.learning.data, self.run, self.progress, self.run.path(name))

    def keep_helpers(self, student: Any) -> None:
        """For schemes that train without the recipe's losses: these begin in quantization-aware training, with fresh helpers."""
        save_arrays(self.run.path(HELPERS), read_variables(self.tutor.objective(student).variables))

    def _with(self, **changes: Any) -> Recipe:
        distill: Distill = self.recipe.distill.model_copy(update=changes)
        return self.recipe.model_copy(update={"distill": distill})

    def _check_layers(self, teacher: Layers) -> None:
        """Before anything is trained: what the losses compare is there. Other schemes may compare other networks."""
        if self.section.name == "offline" and any(loss.compares == "features" for loss in self.recipe.distill.losses):
            student = layer_shapes(self.stages.built("student", self.recipe.student))
            check_layers(self.recipe, student, teacher, len(self.data.train), self.run)

    def _given_teacher(self) -> Mapping[str, Any]:
        if self.teaching.stored_file is not None:
            self.teaching.outputs()
            return {"seconds": 0.0, "parameters": None}
        # A few samples show a wrong number of classes or kind of outputs before anything is trained.
        self.teaching.network.logits(self.teaching.data.validation.x[:32])
        self._check_layers(self.teaching.network.layers)
        return {"seconds": 0.0, "parameters": self.teaching.network.network.parameters}
