"""The training loop: one compiled step, epochs drawn from (seed, stage, epoch), a checkpoint after each.

The loop knows networks of both Kerases and no scheme: what a sample's teacher outputs are comes with the epoch's inputs.
Killed at any moment, the same call goes on after the last finished epoch and ends with the same weights, bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Split
from tinykd.distill.checkpoint import Checkpoint, EpochRecord, load_checkpoint, save_checkpoint
from tinykd.distill.evaluation import accuracy, cross_entropy, predictor
from tinykd.distill.keras_files import save_keras
from tinykd.distill.keras_modules import tensorflow, tf_keras
from tinykd.distill.objective import Objective
from tinykd.distill.optimizers import build_optimizer
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.schedule import learning_rate
from tinykd.distill.tap import tap
from tinykd.distill.training_log import TrainingLog
from tinykd.distill.views import generator
from tinykd.distill.weights import read_variables, write_variables
from tinykd.errors import DataError
from tinykd.recipe.model import Training
from tinykd.run import RunDirectory

#: (inputs of a batch, their positions in the training split) -> the teacher's outputs: logits [batch, classes], and features by layer
TeacherOfBatch = Callable[[NDArray[np.float32], NDArray[np.int64]], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class EpochInputs:
    """What one epoch trains on.

    Attributes:
        x: Inputs `[samples, ...]`, float32, in the order of the training split.
        teacher: The teacher's outputs for a batch of them.
    """

    x: NDArray[np.float32]
    teacher: TeacherOfBatch


class Lessons(Protocol):
    """A scheme's side of the loop: inputs and teacher outputs, epoch by epoch. A pure function of its arguments."""

    def epoch(self, number: int) -> EpochInputs:
        """Inputs of epoch `number`, from 0."""
        ...


class Steps(Protocol):
    """How a training takes its steps."""

    def compiled(self, model: Any, optimizer: Any, objective: Objective) -> Callable[..., Any]:
        """What `compile_step` gives."""
        ...

    def start_epoch(self, number: int, optimizer: Any) -> None:
        """Called before epoch `number`, from 0; a resumed training begins with the one after its checkpoint."""
        ...


@dataclass(frozen=True)
class PlainSteps:
    """One gradient step a batch."""

    def compiled(self, model: Any, optimizer: Any, objective: Objective) -> Callable[..., Any]:
        """See `Steps`."""
        step: Callable[..., Any] = compile_step(model, optimizer, objective)
        return step

    def start_epoch(self, number: int, optimizer: Any) -> None:
        """Nothing."""


PLAIN = PlainSteps()


@dataclass(frozen=True)
class Trainer:
    """Trains one network.

    Attributes:
        keras: The Keras that made the network: `keras` or `tf_keras`.
        run: Where checkpoints and logs go.
        stage: Names checkpoint, logs and the stream of random numbers.
        key: Hash of everything the result depends on; a checkpoint with another key is not resumed.
        seed: Of the run.
        training: The schedule.
        objective: What is minimised.
        progress: Who is told.
        keep: Epochs, from 1, after which the network is also saved, and where.
        steps: How it takes its steps.
    """

    keras: ModuleType
    run: RunDirectory
    stage: str
    key: str
    seed: int
    training: Training
    objective: Objective
    progress: TrainingProgress
    keep: Mapping[int, Path] = field(default_factory=dict)
    steps: Steps = PLAIN

    def fit(self, model: Any, labels: NDArray[np.int64], lessons: Lessons, validation: Split) -> tuple[EpochRecord, ...]:
        """Train `model`, and the losses' helper networks, in place; leave both with the weights of the best validation epoch.

        Best is the highest validation accuracy, the latest epoch among equals; the test split is never seen here.

        Args:
            model: Inputs `[batch, ...]` -> logits `[batch, classes]`.
            labels: int64 `[samples]`.
            lessons: Inputs and teacher outputs of each epoch.
            validation: Chooses the best epoch.

        Raises:
            DataError: the loss became NaN or infinite.
        """
        # Same order of additions in every run: what makes a resumed training equal an unbroken one.
        tensorflow().config.experimental.enable_op_determinism()
        batch = min(self.training.batch_size, len(labels))
        steps = len(labels) // batch
        optimizer = build_optimizer(self.keras, self.training, trained_variables(model, self.objective))
        # The helper networks of losses live and die with the training: they are saved with the student, and never in it.
        variables = [*model.variables, *self.objective.variables]
        path = self.run.path(f"checkpoints/{self.stage}.npz")
        checkpoint = load_checkpoint(path, self.key)
        history: tuple[EpochRecord, ...] = ()
        best = read_variables(variables)
        if checkpoint is not None:
            write_variables(variables, checkpoint.model)
            write_variables(_variables(optimizer), checkpoint.optimizer)
            history, best = checkpoint.history, checkpoint.best
        train_step = self.steps.compiled(model, optimizer, self.objective)
        predict = predictor(model)
        log = TrainingLog(self.run, self.stage)
        self.progress.start(self.stage, len(history), self.training.epochs, steps)
        try:
            for number in range(len(history), self.training.epochs):
                started = time.perf_counter()
                self.steps.start_epoch(number, optimizer)
                loss = self._epoch(number, train_step, labels, lessons.epoch(number), batch, steps)
                seconds = time.perf_counter() - started
                logits = predict(validation.x)
                record = EpochRecord(
                    self.stage,
                    number + 1,
                    loss,
                    cross_entropy(logits, validation.y),
                    accuracy(logits, validation.y),
                    learning_rate(self.training, (number + 1) * steps - 1, steps),
                    round(seconds, 4),
                    round(steps * batch / seconds, 1),
                )
                if all(record.validation_accuracy >= earlier.validation_accuracy for earlier in history):
                    best = read_variables(variables)
                history += (record,)
                if number + 1 in self.keep:
                    save_keras(model, self.keep[number + 1])
                save_checkpoint(path, Checkpoint(self.key, read_variables(variables), read_variables(_variables(optimizer)), best, history))
                log.write(history)
                self.progress.epoch(record)
        finally:
            self.progress.stop()
            log.close()
        write_variables(variables, best)
        return history

    def _epoch(self, number: int, train_step: Any, labels: NDArray[np.int64], inputs: EpochInputs, batch: int, steps: int) -> float:
        """One epoch; returns the mean loss. The last incomplete batch is dropped: another epoch's order will have it."""
        order = generator(self.seed, f"{self.stage} order", number).permutation(len(labels))
        total = tensorflow().constant(0.0)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            x = inputs.x[chosen]
            rate = np.float32(learning_rate(self.training, number * steps + step, steps))
            epoch = np.float32(number + step / steps)
            total += train_step(x, labels[chosen], chosen, epoch, inputs.teacher(x, chosen), rate)
            self.progress.step()
        mean = float(total) / steps
        if not np.isfinite(mean):
            raise DataError(
                f"the loss of {self.stage} became {mean} in epoch {number + 1}",
                f"lower the learning rate (now {self.training.learning_rate}) or look for extreme input values",
            )
        return mean


def compile_step(model: Any, optimizer: Any, objective: Objective, beside: Callable[..., Any] | None = None) -> Any:
    """`(x, labels, index, epoch, teacher outputs, learning rate, *more) -> loss`: one gradient step, traced once, not given to XLA.

    The student runs once, whatever layers the objective reads.

    Args:
        model: What is trained.
        optimizer: Built for `trained_variables`.
        objective: What is minimised.
        beside: `(teacher outputs, context, *more) -> loss` that is added to the objective's.
    """
    tf = tensorflow()
    trainable = trained_variables(model, objective)
    # Keras 3 wraps each tf.Variable in its own Variable; the tape only knows the inner one.
    watched = [variable if isinstance(variable, tf.Variable) else variable.value for variable in trainable]
    student = tap(model, objective.student_layers)

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def train_step(x: Any, labels: Any, index: Any, epoch: Any, teacher: Any, rate: Any, *more: Any) -> Any:
        optimizer.learning_rate.assign(rate)
        context = {"labels": labels, "index": index, "epoch": epoch, "inputs": x, "student": model, "teacher": objective.teacher}
        with tf.GradientTape() as tape:
            loss = objective(teacher, student(x, training=True), context)
            if model.losses:
                loss += tf.add_n(model.losses)
            if beside is not None:
                loss += beside(teacher, context, *more)
        optimizer.apply_gradients(zip(tape.gradient(loss, watched), trainable, strict=True))
        return loss

    return train_step


def trained_variables(model: Any, objective: Objective) -> list[Any]:
    """What the optimizer moves: the network's weights, then those of the losses' helper networks, as the network's Keras wants them."""
    helpers = objective.trainable_variables
    if isinstance(model, tf_keras().Model):
        helpers = [variable.value for variable in helpers]
    return [*model.trainable_variables, *helpers]


def _variables(optimizer: Any) -> Any:
    """The optimizer's variables; a method in tf_keras's legacy optimizers, an attribute elsewhere."""
    return optimizer.variables
