"""From a recipe to an int8 student: the stages, each restartable, each keyed by what it depends on.

Stages and their files in the run directory:

    teacher        teacher.keras                     unless a teacher is given; the scheme's ensemble where it needs no teacher
    outputs        ../.teacher_outputs/KEY/          logits and features of every stored view, shared between runs
    baseline       baseline.keras                    the student's net, labels only, same schedule
    student        student.keras, helpers.npz        distilled; the losses' helper networks, for quantize to go on with
    prune          pruned.keras, pruned_helpers.npz  with a [prune] table: the student without its least channels, distilled back
    quantize       student_int8.tflite               quantization-aware training with the distillation loss on, then conversion;
    integers       test_inputs.npy, test_labels.npy  and the int8 model's answers
    (each)         predictions/STAGE.npz             logits on validation and test

How teacher and student come about is the scheme's (`tinykd.distill.schemes`), which keeps further networks in folders of its own.
Nothing here imports TensorFlow unless a stage has to be computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Dataset
from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_files import load_keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.prune.masks import MaskedSteps, zeros_of
from tinykd.distill.prune.stage import PRUNED, PRUNED_HELPERS, PruneStage
from tinykd.distill.prune.widths import net_of
from tinykd.distill.schemes import SCHEMES
from tinykd.distill.schemes.scheme import HELPERS, Scheme
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stages import Stages, dump, training_values
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import PLAIN
from tinykd.distill.weights import load_arrays, write_variables
from tinykd.quantize.engine import engine
from tinykd.quantize.integers import TfliteModel, dequantize
from tinykd.quantize.layer_error import LayerError
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory, content_key, file_hash, write_atomically

#: Validation samples on which it is measured what quantization does to each layer.
ERROR_SAMPLES = 256


@dataclass(frozen=True)
class Pipeline:
    """One run.

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

    # Every stage: a key without TensorFlow, then `once`.

    def teacher(self) -> Mapping[str, Any]:
        """Train the teacher, or check the given one. Values: seconds, parameters, epochs."""
        return self.scheme.teacher()

    def baseline(self) -> Mapping[str, Any] | None:
        """The student's net on labels alone, or None if the recipe does without. Values as `teacher`."""
        section, net = self.recipe.distill, self.recipe.student
        if not section.baseline:
            return None
        key = self.stages.key("baseline", net=net.net, knobs=net.knobs, train=dump(section.train), views=section.views)

        def compute() -> Mapping[str, Any]:
            lessons = LabelLessons(Teaching(self.recipe, self.data, self.run, self.progress).views())
            objective = Objective(1.0, section.train.label_smoothing)
            return self.stages.trained("baseline", key, self.stages.built("student", net), section.train, objective, lessons)

        return self.stages.once_trained("baseline", key, compute)

    def student(self) -> Mapping[str, Any]:
        """Distil. Values as `teacher`."""
        return self.scheme.student()

    def prune(self) -> Mapping[str, Any] | None:
        """Prune the student and distil it back, or None if the recipe does without. Values as `teacher`, and `pruning`."""
        return None if self.recipe.prune is None else PruneStage(self.scheme, self.recipe.prune).run()

    def quantize(self) -> Mapping[str, Any]:
        """Quantization-aware training with the distillation loss still on, or calibration alone; then conversion. Values as `teacher`."""
        learning, tutor = self.scheme.learning, self.scheme.tutor
        key = learning.key(
            "quantize",
            student=file_hash(self.run.path(self.deployed)),
            helpers=file_hash(self.run.path(self._helpers)),
            quantize=dump(self.recipe.quantize),
            distill=dump(self.recipe.distill),
            outputs=tutor.outputs_key,
        )

        def compute() -> Mapping[str, Any]:
            section = self.recipe.quantize
            chosen = engine(section)
            seed_everything(self.recipe.seed, "quantize")
            calibration = self.calibration()
            student = load_keras(self.run.path(self.deployed))
            objective = tutor.objective(student)
            steps = max(1, len(learning.data.train.y) // section.train.batch_size)
            sparse = self.recipe.prune is not None and self.recipe.prune.method == "weights"
            model = chosen.prepare(student, net_of(student, self.recipe.student), calibration, steps)
            history: tuple[EpochRecord, ...] = ()
            if section.method == "qat":
                write_variables(objective.variables, load_arrays(self.run.path(self._helpers)))
                trainer = learning.trainer("quantize", key, chosen.keras(), section.train, objective.continued())
                trainer = replace(trainer, steps=MaskedSteps(zeros_of(student)) if sparse else PLAIN)
                lessons = tutor.lessons(objective.teacher_layers)
                history = trainer.fit(model, learning.data.train.y, lessons, self.data.validation)
            if history:
                self.stages.settled(model, lambda: chosen.settle(model, calibration))
            else:
                chosen.settle(model, calibration)
            self.stages.save_predictions("qat", predictor(model))
            errors = chosen.errors(model, self.data.validation.x[:ERROR_SAMPLES])
            self.progress.note("quantize: converting to int8")
            write_atomically(self.run.path("student_int8.tflite"), chosen.convert(model))
            values = training_values(history, None) if history else {}
            return {**values, "quantization_error": self._measured(errors)}

        return self.stages.once("quantize", key, ("student_int8.tflite", "predictions/qat.npz"), compute)

    def integers(self) -> Mapping[str, Any]:
        """Run the int8 model's integers on validation and test. Values: seconds."""
        key = content_key(stage="integers", model=file_hash(self.run.path("student_int8.tflite")), data=self.data.content_hash)

        def compute() -> Mapping[str, Any]:
            self.progress.note("integers: evaluating with LiteRT's reference kernels")
            model = TfliteModel(self.run.path("student_int8.tflite").read_bytes())
            assert model.output_quant is not None
            test_inputs = model.quantized_inputs(self.data.test.x)
            validation = model.run(model.quantized_inputs(self.data.validation.x))
            test = model.run(test_inputs)
            self.stages.write_npz("predictions/int8.npz", dequantize(validation, model.output_quant), dequantize(test, model.output_quant))
            self.stages.write_npy("test_inputs.npy", test_inputs)
            self.stages.write_npy("test_labels.npy", self.data.test.y)
            return {}

        return self.stages.once("integers", key, ("predictions/int8.npz", "test_inputs.npy", "test_labels.npy"), compute)

    # What the stages share.

    @property
    def deployed(self) -> str:
        """The file of the float network that is quantized."""
        return "student.keras" if self.recipe.prune is None else PRUNED

    @property
    def _helpers(self) -> str:
        return HELPERS if self.recipe.prune is None else PRUNED_HELPERS

    @cached_property
    def scheme(self) -> Scheme:
        """Who is trained, against what."""
        return SCHEMES[self.recipe.distill.scheme.name](self.recipe, self.data, self.run, self.progress, self.teacher_path)

    @cached_property
    def stages(self) -> Stages:
        """On the run's data."""
        return self.scheme.stages

    @property
    def teaching(self) -> Teaching:
        """The teacher's side of the run; from `outputs` on after `teacher`."""
        return self.scheme.teaching

    def _measured(self, errors: tuple[LayerError, ...]) -> Mapping[str, Any] | None:
        """The report's section; None from an engine that cannot say."""
        if not errors:
            return None
        section, samples = self.recipe.quantize, min(ERROR_SAMPLES, len(self.data.validation.x))
        return {"engine": section.engine, "method": section.method, "samples": samples, "layers": [one.values() for one in errors]}

    def calibration(self) -> NDArray[np.float32]:
        """Plain training inputs `[samples, ...]` that set activation ranges."""
        x = self.scheme.learning.data.train.x
        count = min(self.recipe.quantize.calibration_samples, len(x))
        chosen = np.random.default_rng(self.recipe.seed).permutation(len(x))[:count]
        return x[np.sort(chosen)]
