"""Gradients with respect to inputs against formulas and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tests.distill.losses.batches import normals
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses.jacobian import Jacobian
from tinykd.errors import RecipeError, UsageError

pytestmark = pytest.mark.train

LABELS = np.array([0, 2, 1])


def linear(seed: int) -> Any:
    """Logits `x W + b`."""
    keras = keras3()
    keras.utils.set_random_seed(seed)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


def convolutional(seed: int) -> Any:
    keras = keras3()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((3, 3, 2)),
            keras.layers.Conv2D(4, 2, activation="tanh"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )


def of_linear(model: Any, x: np.ndarray) -> np.ndarray:
    """dCE/dx = W (p - onehot)."""
    kernel, bias = (np.asarray(one, np.float64) for one in model.get_weights())
    return (softmax(x @ kernel + bias, axis=-1) - np.eye(3)[LABELS]) @ kernel.T


def by_differences(model: Any, x: np.ndarray) -> np.ndarray:
    """Central differences of each sample's cross-entropy."""
    out = np.zeros(x.shape)
    for place in np.ndindex(x.shape[1:]):
        step = np.zeros(x.shape, np.float32)
        step[(slice(None), *place)] = 1e-2
        ahead, behind = (-log_softmax(model(x + sign * step, training=False).numpy(), axis=-1)[range(3), LABELS] for sign in (1, -1))
        out[(slice(None), *place)] = (ahead - behind) / 2e-2
    return out


def value(student: Any, teacher: Any, x: np.ndarray, form: Any = "gradient") -> float:
    return float(Jacobian(form).compute_loss(None, None, inputs=x, labels=LABELS, student=student, teacher=teacher))


def test_linear_networks_by_formula() -> None:
    student, teacher, (x,) = linear(0), linear(1), normals((3, 4))
    ours, theirs = of_linear(student, x), of_linear(teacher, x)
    assert value(student, teacher, x) == pytest.approx(np.mean([np.dot(row, row) for row in ours - theirs]), rel=1e-5)
    mine, yours = (np.abs(one) / np.sqrt(np.sum(one**2, axis=1, keepdims=True)) for one in (ours, theirs))
    assert value(student, teacher, x, "attention") == pytest.approx(np.mean((mine - yours) ** 2), rel=1e-5)


def test_maps_by_differences() -> None:
    student, teacher, (x,) = convolutional(0), convolutional(1), normals((3, 3, 3, 2))
    ours, theirs = by_differences(student, x), by_differences(teacher, x)
    assert value(student, teacher, x) == pytest.approx(np.sum((ours - theirs) ** 2) / 3, rel=1e-2)
    mine, yours = (np.abs(one).mean(axis=-1).reshape(3, -1) for one in (ours, theirs))
    mine, yours = (np.array([row / np.linalg.norm(row) for row in one]) for one in (mine, yours))
    assert value(student, teacher, x, "attention") == pytest.approx(np.mean((mine - yours) ** 2), rel=1e-2)


def test_the_batch_does_not_change_a_samples_gradient() -> None:
    student, teacher, (x,) = linear(0), linear(1), normals((3, 4))
    alone = [
        float(Jacobian().compute_loss(None, None, inputs=x[n : n + 1], labels=LABELS[n : n + 1], student=student, teacher=teacher))
        for n in range(3)
    ]
    assert value(student, teacher, x) == pytest.approx(np.mean(alone), rel=1e-5)


@pytest.mark.parametrize("form", ["gradient", "attention"])
def test_it_teaches_the_student_alone(form: str) -> None:
    tf, student, teacher, (x,) = tensorflow(), convolutional(0), convolutional(1), normals((3, 3, 3, 2))
    before = [np.array(one) for one in student.non_trainable_variables]

    @tf.function(autograph=False)
    def gradients() -> Any:
        with tf.GradientTape() as tape:
            loss = Jacobian(form).compute_loss(None, None, inputs=x, labels=LABELS, student=student, teacher=teacher)  # type: ignore[arg-type]
        return loss, tape.gradient(loss, [one.value for one in student.trainable_variables], unconnected_gradients="zero")

    loss, of_student = gradients()
    # Neither statistics nor dropout's draws move: the loss is not a training step of the student.
    for one, kept in zip(student.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(one, kept)
    for variable, gradient in zip(student.trainable_variables, of_student, strict=True):
        variable.assign_sub(3e-3 * gradient / (1e-6 + np.abs(gradient).max()))
    assert value(student, teacher, x, form) < float(loss)
    assert value(teacher, teacher, x, form) == 0


def test_no_gradient_reaches_the_teacher() -> None:
    tf, student, teacher, (x,) = tensorflow(), linear(0), linear(1), normals((3, 4))
    variables = [one.value for one in teacher.trainable_variables]
    with tf.GradientTape() as tape:
        loss = Jacobian().compute_loss(None, None, inputs=x, labels=LABELS, student=student, teacher=teacher)
    assert tape.gradient(loss, variables) == [None, None]


def test_what_it_needs() -> None:
    student, (x,) = linear(0), normals((3, 4))
    with pytest.raises(UsageError, match="labels"):
        Jacobian().compute_loss(None, None, inputs=x, student=student, teacher=student)
    with pytest.raises(UsageError, match="teacher"):
        Jacobian().compute_loss(None, None, inputs=x, labels=LABELS, student=student)
    with pytest.raises(RecipeError, match="not a Keras model"):
        Jacobian().attach(student, None, [])
