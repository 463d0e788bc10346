"""Distillation without training data: DAFL (Chen 2019), ZSKT (Micaelli and Storkey 2019), DeepInversion (Yin 2020).

All three make inputs before the student's training proper; ZSKT's are those of a game that also trains the student, which then
goes on from the weights it had at the game's end. A game is not checkpointed: a killed one begins again, and ends the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_files import load_keras, save_keras
from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.schemes.generator import generator_network
from tinykd.distill.schemes.inversion import invert
from tinykd.distill.schemes.on_inputs import OnInputs
from tinykd.distill.schemes.stem import embedding
from tinykd.distill.schemes.terms import softened
from tinykd.distill.seeds import seed_everything
from tinykd.distill.teaching import Teaching
from tinykd.distill.views import generator
from tinykd.distill.weights import read_variables, write_variables
from tinykd.errors import UnsupportedModel

#: The student as ZSKT's game leaves it.
GAME = "game.keras"


class DataFree(OnInputs):
    """The student never sees a training sample; the inputs' range is that of the validation split."""

    def inputs(self) -> NDArray[np.float32]:
        """See `KINDS`."""
        self.progress.note(f"inputs: {self.section.kind}, {self.section.steps} steps")
        seed_everything(self.recipe.seed, "inputs")
        return KINDS[self.section.kind](self)

    def before(self, stage: str, key: str, model: Any, teaching: Teaching) -> None:
        """With `zskt` from the weights of the game."""
        if self.section.kind == "zskt" and stage == "student":
            write_variables(model.variables, read_variables(load_keras(self.run.path(GAME)).variables))
        super().before(stage, key, model, teaching)

    @property
    def teacher_model(self) -> Any:
        """The teacher's Keras model.

        Raises:
            UnsupportedModel: gradients cannot pass through it.
        """
        model = self.teaching.network.network.model
        if model is None or not isinstance(model, _keras().Model):
            raise UnsupportedModel("inputs are made with the teacher's gradients", "give a Keras 3 teacher (.keras)")
        if self.teaching.network.kind != "logits":
            raise UnsupportedModel("inputs are made with the teacher's logits, not its probabilities", "give a teacher without softmax")
        return model

    @property
    def span(self) -> tuple[float, float]:
        """Least and largest value of an input."""
        return float(self.data.validation.x.min()), float(self.data.validation.x.max())

    @property
    def batch(self) -> int:
        """Inputs a step."""
        return min(int(self.recipe.distill.train.batch_size), int(self.section.samples))

    def noise(self) -> Iterator[NDArray[np.float32]]:
        """Batches without end."""
        step = 0
        while True:
            drawn = generator(self.recipe.seed, "noise", step).standard_normal((self.batch, self.section.latent))
            yield drawn.astype(np.float32)
            step += 1

    def played(self, step: Callable[[NDArray[np.float32]], Any], network: Any) -> NDArray[np.float32]:
        """Play `steps` steps; the inputs that the generator made at even distances in their second half."""
        noise, made = self.noise(), []
        rounds = int(self.section.steps)
        batches = math.ceil(self.section.samples / self.batch)
        kept = {round(place) for place in np.linspace(rounds / 2, rounds - 1, batches)}
        for number in range(rounds):
            z = next(noise)
            step(z)
            if number in kept:
                made.append(np.asarray(network(z, training=True)))
        while len(made) < batches:
            made.append(np.asarray(network(next(noise), training=True)))
        return np.concatenate(made)[: self.section.samples].astype(np.float32)


def _dafl(scheme: DataFree) -> NDArray[np.float32]:
    """A generator of inputs that the teacher is sure of."""
    tf, keras, section = tensorflow(), _keras(), scheme.section
    network = generator_network(section.latent, scheme.data.input_shape, *scheme.span)
    model = scheme.teacher_model
    teacher = keras.Model(model.inputs, [model.output, embedding(model)])
    optimizer = keras.optimizers.Adam(section.learning_rate)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(z: Any) -> None:
        with tf.GradientTape() as tape:
            logits, features = teacher(network(z, training=True), training=False)
            loss = dafl_loss(logits, features, section.entropy_weight, section.activation_weight)
        _apply(optimizer, tape, loss, network)

    return scheme.played(step, network)


def dafl_loss(logits: Any, features: Any, entropy_weight: float, activation_weight: float) -> Any:
    """`CE(t, argmax t) + entropy_weight sum_c pbar log pbar - activation_weight mean |f|` (Chen 2019, equations 4 to 7).

    Args:
        logits: The teacher's, `[batch, classes]`; pbar are the batch's mean probabilities.
        features: What its classifier reads, `[batch, width]`.
        entropy_weight, activation_weight: Of the classes' balance and of the activations.
    """
    ops = _keras().ops
    log_probabilities = ops.log_softmax(logits, axis=-1)
    one_hot = -ops.mean(ops.max(log_probabilities, axis=-1))
    mean = ops.mean(ops.exp(log_probabilities), axis=0)
    balance = ops.sum(mean * ops.log(ops.maximum(mean, 1e-12)))
    return one_hot + entropy_weight * balance - activation_weight * ops.mean(ops.abs(features))


def _zskt(scheme: DataFree) -> NDArray[np.float32]:
    """A generator of inputs on which the student is wrong, against the student."""
    tf, keras, section = tensorflow(), _keras(), scheme.section
    network = generator_network(section.latent, scheme.data.input_shape, *scheme.span)
    teacher = scheme.teacher_model
    student = scheme.stages.built("student", scheme.recipe.student)
    adversary = keras.optimizers.Adam(section.learning_rate)
    learner = keras.optimizers.Adam(scheme.recipe.distill.train.learning_rate)

    def differ(x: Any, training: bool) -> Any:
        return disagreement(teacher(x, training=False), student(x, training=training))

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def deceive(z: Any) -> None:
        with tf.GradientTape() as tape:
            loss = -differ(network(z, training=True), False)
        _apply(adversary, tape, loss, network)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def learn(z: Any) -> None:
        with tf.GradientTape() as tape:
            loss = differ(tf.stop_gradient(network(z, training=True)), True)
        _apply(learner, tape, loss, student)

    def step(z: NDArray[np.float32]) -> None:
        deceive(z)
        for _ in range(section.student_steps):
            learn(z)

    made = scheme.played(step, network)
    save_keras(student, scheme.run.path(GAME))
    return made


def disagreement(teacher: Any, student: Any) -> Any:
    """`KL(softmax(t) || softmax(s))`, mean over the batch, of logits `[batch, classes]`; gradients reach both."""
    ops = _keras().ops
    log_teacher, log_student = softened(teacher, 1.0), softened(student, 1.0)
    return ops.mean(ops.sum(ops.exp(log_teacher) * (log_teacher - log_student), axis=-1))


def _deep_inversion(scheme: DataFree) -> NDArray[np.float32]:
    section = scheme.section
    made: list[NDArray[np.float32]] = []
    while sum(map(len, made)) < section.samples:
        rng = generator(scheme.recipe.seed, "inversion", len(made))
        made.append(invert(scheme.teacher_model, scheme.batch, section, scheme.span, rng))
    return np.concatenate(made)[: section.samples]


def _apply(optimizer: Any, tape: Any, loss: Any, model: Any) -> None:
    """One step of what `model` is made of, and of nothing else that the loss passed through."""
    variables: Sequence[Any] = model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(loss, [each.value for each in variables]), variables, strict=True))


KINDS: dict[str, Callable[[DataFree], NDArray[np.float32]]] = {
    "dafl": _dafl,
    "zskt": _zskt,
    "deep_inversion": _deep_inversion,
}
