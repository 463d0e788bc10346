"""The training loop: one compiled step, epochs drawn from (seed, stage, epoch), a checkpoint after each.

The loop knows networks of both Kerases and no scheme: what a sample's teacher outputs are comes with the epoch's inputs.
Killed at any moment, the same call goes on after the last finished epoch and ends with the same weights, bit for bit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Split
from tinykd.distill.checkpoint import Checkpoint, EpochRecord, load_checkpoint, save_checkpoint
from tinykd.distill.evaluation import accuracy, cross_entropy, predictor
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.objective import Objective
from tinykd.distill.optimizers import build_optimizer
from tinykd.distill.progress import TrainingProgress
from tinykd.distill.schedule import learning_rate
from tinykd.distill.training_log import TrainingLog
from tinykd.distill.views import generator
from tinykd.distill.weights import read_variables, write_variables
from tinykd.errors import DataError
from tinykd.recipe.model import Training
from tinykd.run import RunDirectory

#: (inputs of a batch, their positions in the training split) -> teacher logits [batch, classes]
TeacherLogits = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


@dataclass(frozen=True)
class EpochInputs:
    """What one epoch trains on.

    Attributes:
        x: Inputs `[samples, ...]`, float32, in the order of the training split.
        teacher: Teacher logits for a batch of them.
    """

    x: NDArray[np.float32]
    teacher: TeacherLogits


class Lessons(Protocol):
    """A scheme's side of the loop: inputs and teacher outputs, epoch by epoch. A pure function of its arguments."""

    def epoch(self, number: int) -> EpochInputs:
        """Inputs of epoch `number`, from 0."""
        ...


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
    """

    keras: ModuleType
    run: RunDirectory
    stage: str
    key: str
    seed: int
    training: Training
    objective: Objective
    progress: TrainingProgress

    def fit(self, model: Any, labels: NDArray[np.int64], lessons: Lessons, validation: Split) -> tuple[EpochRecord, ...]:
        """Train `model` in place and leave it with the weights of its best validation epoch.

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
        optimizer = build_optimizer(self.keras, self.training, model)
        path = self.run.path(f"checkpoints/{self.stage}.npz")
        checkpoint = load_checkpoint(path, self.key)
        history: tuple[EpochRecord, ...] = ()
        best = read_variables(model.variables)
        if checkpoint is not None:
            write_variables(model.variables, checkpoint.model)
            write_variables(_variables(optimizer), checkpoint.optimizer)
            history, best = checkpoint.history, checkpoint.best
        train_step = compile_step(model, optimizer, self.objective)
        predict = predictor(model)
        log = TrainingLog(self.run, self.stage)
        self.progress.start(self.stage, len(history), self.training.epochs, steps)
        try:
            for number in range(len(history), self.training.epochs):
                started = time.perf_counter()
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
                    best = read_variables(model.variables)
                history += (record,)
                save_checkpoint(
                    path, Checkpoint(self.key, read_variables(model.variables), read_variables(_variables(optimizer)), best, history)
                )
                log.write(history)
                self.progress.epoch(record)
        finally:
            self.progress.stop()
            log.close()
        write_variables(model.variables, best)
        return history

    def _epoch(self, number: int, train_step: Any, labels: NDArray[np.int64], inputs: EpochInputs, batch: int, steps: int) -> float:
        """One epoch; returns the mean loss. The last incomplete batch is dropped: another epoch's order will have it."""
        order = generator(self.seed, f"{self.stage} order", number).permutation(len(labels))
        total = tensorflow().constant(0.0)
        for step in range(steps):
            chosen = order[step * batch : (step + 1) * batch]
            x = inputs.x[chosen]
            rate = np.float32(learning_rate(self.training, number * steps + step, steps))
            total += train_step(x, labels[chosen], inputs.teacher(x, chosen), rate)
            self.progress.step()
        mean = float(total) / steps
        if not np.isfinite(mean):
            raise DataError(
                f"the loss of {self.stage} became {mean} in epoch {number + 1}",
                f"lower the learning rate (now {self.training.learning_rate}) or look for extreme input values",
            )
        return mean


def compile_step(model: Any, optimizer: Any, objective: Objective) -> Any:
    """`(x, labels, teacher logits, learning rate) -> loss`: one gradient step, traced once, not given to XLA."""
    tf = tensorflow()
    trainable = list(model.trainable_variables)
    # Keras 3 wraps each tf.Variable in its own Variable; the tape only knows the inner one.
    watched = [variable if isinstance(variable, tf.Variable) else variable.value for variable in trainable]

    @tf.function(autograph=False, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def train_step(x: Any, labels: Any, teacher_logits: Any, rate: Any) -> Any:
        optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = objective(labels, teacher_logits, logits)
            if model.losses:
                loss += tf.add_n(model.losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, watched), trainable, strict=True))
        return loss

    return train_step


def _variables(optimizer: Any) -> Any:
    """The optimizer's variables; a method in tf_keras's legacy optimizers, an attribute elsewhere."""
    return optimizer.variables
