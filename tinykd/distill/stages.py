"""What every training of a run shares: fresh networks, trainers, evaluation, and being done once."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd import nets
from tinykd.data import Dataset
from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.evaluation import accuracy, predictor
from tinykd.distill.keras_files import save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.objective import Objective
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.seeds import seed_everything
from tinykd.distill.trainer import PLAIN, Lessons, Steps, Trainer
from tinykd.distill.weights import read_variables, write_variables
from tinykd.recipe.model import Recipe, Training
from tinykd.recipe.net import Net
from tinykd.run import RunDirectory, content_key, write_atomically

Values = Mapping[str, Any]
"""What a stage records when it is done: seconds, parameters, epochs, best_epoch, training_seconds."""


@dataclass(frozen=True)
class Stages:
    """Of one run.

    Attributes:
        recipe: Of the run.
        data: What is trained and evaluated on.
        run: Where results go.
        progress: Who is told.
    """

    recipe: Recipe
    data: Dataset
    run: RunDirectory
    progress: TrainingProgress

    @cached_property
    def common(self) -> dict[str, Any]:
        """What the result of every training depends on."""
        return {"data": self.data.content_hash, "seed": self.recipe.seed, "augment": dump(self.recipe.data.augment)}

    def key(self, stage: str, **inputs: Any) -> str:
        """Hash of everything that the stage's result depends on."""
        return content_key(stage=stage, **inputs, **self.common)

    def built(self, purpose: str, net: Net) -> Any:
        """A fresh network; what shares a purpose shares first weights, as student and baseline do."""
        seed_everything(self.recipe.seed, purpose)
        return nets.build(net.net, _keras(), self.data.input_shape, self.data.classes, **net.knobs)

    def trainer(self, stage: str, key: str, keras: Any, training: Training, objective: Objective) -> Trainer:
        """See `Trainer`."""
        return Trainer(keras, self.run, stage, key, self.recipe.seed, training, objective, self.progress)

    def fitted(
        self,
        stage: str,
        key: str,
        model: Any,
        training: Training,
        objective: Objective,
        lessons: Lessons,
        labels: NDArray[np.int64] | None = None,
        keep: Mapping[int, Path] | None = None,
        steps: Steps = PLAIN,
    ) -> tuple[EpochRecord, ...]:
        """Train a Keras 3 network, or several joined, in place, with the training split's labels unless there are others."""
        trainer = replace(self.trainer(stage, key, _keras(), training, objective), keep=keep or {}, steps=steps)
        return trainer.fit(model, self.data.train.y if labels is None else labels, lessons, self.data.validation)

    def kept(self, stage: str, model: Any, history: tuple[EpochRecord, ...]) -> Values:
        """Settle a trained network's batch norm, evaluate it and write it to `STAGE.keras`; its values."""
        self.settled(model, lambda: reestimate_batch_norm(model, self.data.train.x))
        self.save(model, stage)
        return training_values(history, int(model.count_params()))

    def settled(self, model: Any, settle: Callable[[], None]) -> None:
        """Do what `settle` does to a trained network, unless fewer validation samples are right after it.

        Statistics measured anew on plain samples are better where moving averages lag behind a short training; after a long one they
        are a smaller sample of the same.
        """
        before, right = read_variables(model.variables), self._validation_accuracy(model)
        settle()
        if self._validation_accuracy(model) < right:
            write_variables(model.variables, before)

    def _validation_accuracy(self, model: Any) -> float:
        return accuracy(predictor(model)(self.data.validation.x), self.data.validation.y)

    def trained(self, stage: str, key: str, model: Any, training: Training, objective: Objective, lessons: Lessons) -> Values:
        """`fitted`, then `kept`."""
        return self.kept(stage, model, self.fitted(stage, key, model, training, objective, lessons))

    def once(self, stage: str, key: str, files: tuple[str, ...], compute: Callable[[], Values]) -> Values:
        """Do a stage unless it is done; with the seconds it took in all its pieces. Its checkpoint goes when its result is safe."""
        started = time.perf_counter()

        def timed() -> Values:
            values = compute()
            return {"seconds": round(time.perf_counter() - started, 1), **values}

        values = self.run.once(stage, key, files, timed)
        self.run.path(f"checkpoints/{stage}.npz").unlink(missing_ok=True)
        return values

    def once_trained(self, stage: str, key: str, compute: Callable[[], Values]) -> Values:
        """`once` for a network that `compute` leaves with `kept`."""
        return self.once(stage, key, (f"{stage}.keras", f"predictions/{stage}.npz"), compute)

    def save(self, model: Any, stage: str) -> None:
        """Evaluate a settled network and write it to `STAGE.keras`."""
        self.save_predictions(stage, predictor(model))
        save_keras(model, self.run.path(f"{stage}.keras"))

    def save_predictions(self, stage: str, predict: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        """Logits on validation and test to `predictions/STAGE.npz`."""
        self.write_npz(f"predictions/{stage}.npz", predict(self.data.validation.x), predict(self.data.test.x))

    def write_npz(self, name: str, validation: NDArray[np.float32], test: NDArray[np.float32]) -> None:
        """Two arrays, atomically."""
        buffer = io.BytesIO()
        np.savez(buffer, validation=validation, test=test)
        write_atomically(self.run.path(name), buffer.getvalue())

    def write_npy(self, name: str, array: NDArray[Any]) -> None:
        """One array, atomically."""
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        write_atomically(self.run.path(name), buffer.getvalue())


def training_values(history: tuple[EpochRecord, ...], parameters: int | None) -> dict[str, Any]:
    """What a training records."""
    best = max(history, key=lambda record: (record.validation_accuracy, record.epoch))
    return {
        "parameters": parameters,
        "epochs": len(history),
        "best_epoch": best.epoch,
        "training_seconds": round(sum(record.seconds for record in history), 1),
    }


def dump(section: Any) -> dict[str, Any]:
    """A section of the recipe as JSON-serialisable values."""
    dumped = section.model_dump(mode="json")
    assert isinstance(dumped, dict)
    return dumped
