"""From a recipe to an int8 student: the stages, each restartable, each keyed by what it depends on.

Stages and their files in the run directory:

    teacher        teacher.keras                     unless a teacher is given
    outputs        ../.teacher_outputs/KEY/          logits and features of every stored view, shared between runs
    baseline       baseline.keras                    the student's net, labels only, same schedule
    student        student.keras, helpers.npz        distilled; the losses' helper networks, for quantize to go on with
    quantize       student_int8.tflite               quantization-aware training with the distillation loss on, then conversion
    integers       test_inputs.npy, test_labels.npy  and the int8 model's answers
    (each)         predictions/STAGE.npz             logits on validation and test

Nothing here imports TensorFlow unless a stage has to be computed.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd import nets
from tinykd.data import Dataset
from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_files import load_keras, save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.schemes.offline import LabelLessons
from tinykd.distill.seeds import seed_everything
from tinykd.distill.teaching import Teaching
from tinykd.distill.trainer import Lessons, Trainer
from tinykd.distill.weights import load_arrays, read_variables, save_arrays, write_variables
from tinykd.quantize.engine import engine
from tinykd.quantize.integers import TfliteModel, dequantize
from tinykd.recipe.model import Recipe, Training
from tinykd.run import RunDirectory, content_key, file_hash, write_atomically

#: Where the losses' helper networks end.
HELPERS = "helpers.npz"


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
        if self.teacher_path is not None:
            return self.run.once(
                "teacher", content_key(stage="teacher", digest=self.teaching.digest, **self._common), (), self._given_teacher
            )
        training = self.recipe.teacher.train
        key = content_key(
            stage="teacher", net=self.recipe.teacher.net, knobs=self.recipe.teacher.knobs, train=_dump(training), **self._common
        )

        def compute() -> Mapping[str, Any]:
            assert self.recipe.teacher.net is not None
            model = self._built("teacher", self.recipe.teacher.net, self.recipe.teacher.knobs)
            lessons = LabelLessons(self.teaching.fresh_views())
            return self._trained("teacher", key, model, training, Objective(1.0, training.label_smoothing), lessons)

        return self._stage("teacher", key, ("teacher.keras", "predictions/teacher.npz"), compute)

    def baseline(self) -> Mapping[str, Any] | None:
        """The student's net on labels alone, or None if the recipe does without. Values as `teacher`."""
        section = self.recipe.distill
        if not section.baseline:
            return None
        net = self.recipe.student
        key = content_key(stage="baseline", net=net.net, knobs=net.knobs, train=_dump(section.train), views=section.views, **self._common)

        def compute() -> Mapping[str, Any]:
            model = self._built("student", net.net, net.knobs)
            lessons = LabelLessons(self.teaching.views())
            return self._trained("baseline", key, model, section.train, Objective(1.0, section.train.label_smoothing), lessons)

        return self._stage("baseline", key, ("baseline.keras", "predictions/baseline.npz"), compute)

    def student(self) -> Mapping[str, Any]:
        """Distil. Values as `teacher`."""
        section, net = self.recipe.distill, self.recipe.student
        key = content_key(
            stage="student", net=net.net, knobs=net.knobs, distill=_dump(section), outputs=self.teaching.outputs_key, **self._common
        )

        def compute() -> Mapping[str, Any]:
            model = self._built("student", net.net, net.knobs)
            objective = self.teaching.objective(model)
            self.teaching.prepare(objective)
            values = self._trained("student", key, model, section.train, objective, self.teaching.lessons(objective.teacher_layers))
            save_arrays(self.run.path(HELPERS), read_variables(objective.variables))
            return values

        return self._stage("student", key, ("student.keras", HELPERS, "predictions/student.npz"), compute)

    def quantize(self) -> Mapping[str, Any]:
        """Quantization-aware training with the distillation loss still on, then conversion. Values as `teacher`."""
        key = content_key(
            stage="quantize",
            student=file_hash(self.run.path("student.keras")),
            helpers=file_hash(self.run.path(HELPERS)),
            quantize=_dump(self.recipe.quantize),
            distill=_dump(self.recipe.distill),
            outputs=self.teaching.outputs_key,
            **self._common,
        )

        def compute() -> Mapping[str, Any]:
            chosen = engine(self.recipe.quantize.engine)
            student = load_keras(self.run.path("student.keras"))
            objective = self.teaching.objective(student)
            write_variables(objective.variables, load_arrays(self.run.path(HELPERS)))
            seed_everything(self.recipe.seed, "quantize")
            calibration = self._calibration()
            model = chosen.prepare(student, self.recipe.student, calibration)
            trainer = self._trainer("quantize", key, chosen.keras(), self.recipe.quantize.train, objective)
            history = trainer.fit(model, self.data.train.y, self.teaching.lessons(objective.teacher_layers), self.data.validation)
            chosen.settle(model, calibration)
            self._save_predictions("qat", predictor(model))
            self.progress.note("quantize: converting to int8")
            write_atomically(self.run.path("student_int8.tflite"), chosen.convert(model))
            return _training_values(history, None)

        return self._stage("quantize", key, ("student_int8.tflite", "predictions/qat.npz"), compute)

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
            self._write_npz("predictions/int8.npz", dequantize(validation, model.output_quant), dequantize(test, model.output_quant))
            self._write_npy("test_inputs.npy", test_inputs)
            self._write_npy("test_labels.npy", self.data.test.y)
            return {}

        return self._stage("integers", key, ("predictions/int8.npz", "test_inputs.npy", "test_labels.npy"), compute)

    # What the stages share.

    @cached_property
    def teaching(self) -> Teaching:
        """The teacher's side of the run; from `outputs` on after `teacher`."""
        return Teaching(self.recipe, self.data, self.run, self.progress, self.teacher_path)

    @cached_property
    def _common(self) -> dict[str, Any]:
        return {"data": self.data.content_hash, "seed": self.recipe.seed, "augment": _dump(self.recipe.data.augment)}

    def _given_teacher(self) -> Mapping[str, Any]:
        if self.teaching.stored_file is not None:
            self.teaching.outputs()
            return {"seconds": 0.0, "parameters": None}
        # A few samples show a wrong number of classes or kind of outputs before anything is trained.
        self.teaching.network.logits(self.data.validation.x[:32])
        return {"seconds": 0.0, "parameters": self.teaching.network.network.parameters}

    def _calibration(self) -> NDArray[np.float32]:
        count = min(self.recipe.quantize.calibration_samples, len(self.data.train))
        chosen = np.random.default_rng(self.recipe.seed).permutation(len(self.data.train))[:count]
        return self.data.train.x[np.sort(chosen)]

    def _built(self, purpose: str, net: str, knobs: Mapping[str, Any]) -> Any:
        """A fresh network; student and baseline share a purpose, and so their first weights."""
        seed_everything(self.recipe.seed, purpose)
        return nets.build(net, _keras(), self.data.input_shape, self.data.classes, **knobs)

    def _trainer(self, stage: str, key: str, keras: Any, training: Training, objective: Objective) -> Trainer:
        return Trainer(keras, self.run, stage, key, self.recipe.seed, training, objective, self.progress)

    def _trained(self, stage: str, key: str, model: Any, training: Training, objective: Objective, lessons: Lessons) -> Mapping[str, Any]:
        history = self._trainer(stage, key, _keras(), training, objective).fit(model, self.data.train.y, lessons, self.data.validation)
        reestimate_batch_norm(model, self.data.train.x)
        self._save_predictions(stage, predictor(model))
        save_keras(model, self.run.path(f"{stage}.keras"))
        return _training_values(history, int(model.count_params()))

    def _stage(self, stage: str, key: str, files: tuple[str, ...], compute: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        """`once`, with the seconds that the stage took in all its pieces; its checkpoint goes when its result is safe."""
        started = time.perf_counter()

        def timed() -> Mapping[str, Any]:
            values = compute()
            return {"seconds": round(time.perf_counter() - started, 1), **values}

        values = self.run.once(stage, key, files, timed)
        self.run.path(f"checkpoints/{stage}.npz").unlink(missing_ok=True)
        return values

    def _save_predictions(self, stage: str, predict: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self._write_npz(f"predictions/{stage}.npz", predict(self.data.validation.x), predict(self.data.test.x))

    def _write_npz(self, name: str, validation: NDArray[np.float32], test: NDArray[np.float32]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, validation=validation, test=test)
        write_atomically(self.run.path(name), buffer.getvalue())

    def _write_npy(self, name: str, array: NDArray[Any]) -> None:
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        write_atomically(self.run.path(name), buffer.getvalue())


def _training_values(history: tuple[EpochRecord, ...], parameters: int | None) -> dict[str, Any]:
    best = max(history, key=lambda record: (record.validation_accuracy, record.epoch))
    return {
        "parameters": parameters,
        "epochs": len(history),
        "best_epoch": best.epoch,
        "training_seconds": round(sum(record.seconds for record in history), 1),
    }


def _dump(section: Any) -> dict[str, Any]:
    dumped = section.model_dump(mode="json")
    assert isinstance(dumped, dict)
    return dumped
