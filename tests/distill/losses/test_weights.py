"""Kernels against projected kernels, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow, tf_keras
from tinykd.distill.losses.weights import Weights, kernel_of
from tinykd.errors import RecipeError, UsageError

pytestmark = pytest.mark.train


def network(keras: Any, name: str, width: int, side: int, seed: int = 0) -> Any:
    """Convolution, normalization and ReLU; depthwise convolution and ReLU; mean; dense."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.layers.Input((4, 4, 1)),
            keras.layers.Conv2D(width, side, name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.ReLU(name="relu"),
            keras.layers.DepthwiseConv2D(1, name="depthwise"),
            keras.layers.ReLU(name="relu_2"),
            keras.layers.GlobalAveragePooling2D(name="mean"),
            keras.layers.Dense(3, name="logits"),
        ],
        name=name,
    )


@pytest.fixture
def teacher() -> Any:
    return network(keras3(), "teacher", 4, 3, seed=1)


@pytest.fixture
def student() -> Any:
    return network(keras3(), "student", 2, 2)


def projected(kernel: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """A Kronecker product of the three matrices on the kernel as one vector."""
    full = np.kron(np.kron(a, b), c)
    return (full @ kernel.ravel()).reshape(len(a), len(b), len(c))


def test_against_one_kronecker_product(teacher: Any, student: Any) -> None:
    loss = Weights()
    loss.attach(student, teacher, [("relu", "relu"), ("relu_2", "depthwise"), ("logits", "logits")])
    rng = np.random.default_rng(0)
    for variable in loss.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    expected, matrices = 0.0, [np.asarray(variable, np.float64) for variable in loss.trainable_variables]
    for number, name in enumerate(("conv", "depthwise", "logits")):
        ours, theirs = (np.asarray(model.get_layer(name).kernel, np.float64) for model in (student, teacher))
        ours, theirs = ours.reshape(-1, *ours.shape[-2:]), theirs.reshape(-1, *theirs.shape[-2:])
        expected += np.mean((ours - projected(theirs, *matrices[3 * number : 3 * number + 3])) ** 2)
    assert float(loss.compute_loss(None, None, student=student)) == pytest.approx(expected, rel=1e-5)


def test_equal_networks_cost_nothing_at_the_start(teacher: Any, student: Any) -> None:
    twin = network(keras3(), "twin", 4, 3, seed=1)
    loss, other = Weights(), Weights()
    loss.attach(twin, teacher, [("relu", "relu"), ("logits", "logits")])
    other.attach(student, teacher, [("relu", "relu"), ("logits", "logits")])
    assert float(loss.compute_loss(None, None, student=twin)) == 0
    assert float(other.compute_loss(None, None, student=student)) > 1e-3


def test_student_and_projections_learn_and_the_teacher_does_not(teacher: Any, student: Any) -> None:
    tf, loss = tensorflow(), Weights()
    loss.attach(student, teacher, [("relu", "relu")])
    kernel, projections = student.get_layer("conv").kernel.value, [variable.value for variable in loss.trainable_variables]
    theirs = teacher.get_layer("conv").kernel.value
    with tf.GradientTape() as tape:
        tape.watch(theirs)
        before = loss.compute_loss(None, None, student=student)
    of_student, of_projections, of_teacher = tape.gradient(before, [kernel, projections, theirs])
    assert of_teacher is None
    for variable, gradient in zip([kernel, *projections], [of_student, *of_projections], strict=True):
        assert np.abs(gradient).max() > 0
        variable.assign_sub(1e-2 * gradient)
    assert float(loss.compute_loss(None, None, student=student)) < float(before)


def test_training_the_teacher_further_changes_nothing(teacher: Any, student: Any) -> None:
    loss = Weights()
    loss.attach(student, teacher, [("relu", "relu")])
    before = float(loss.compute_loss(None, None, student=student))
    teacher.get_layer("conv").kernel.assign_add(np.ones((3, 3, 1, 4)))
    assert float(loss.compute_loss(None, None, student=student)) == before


def test_a_twin_in_tf_keras_has_the_same_kernels(teacher: Any, student: Any) -> None:
    loss = Weights()
    loss.attach(student, teacher, [("relu", "relu"), ("relu_2", "relu_2")])
    twin = network(tf_keras(), "twin", 2, 2)
    twin.set_weights(student.get_weights())
    expected = float(loss.compute_loss(None, None, student=student))
    assert float(loss.compute_loss(None, None, student=twin)) == pytest.approx(expected, rel=1e-6)


def test_a_twin_prepared_for_quantization_has_the_kernels_that_are_trained(teacher: Any, student: Any) -> None:
    from tinykd.distill.keras_modules import model_optimization

    loss = Weights()
    loss.attach(student, teacher, [("relu", "relu")])
    plain = network(tf_keras(), "twin", 2, 2)
    plain.set_weights(student.get_weights())
    twin = model_optimization().quantization.keras.quantize_model(plain)
    twin(np.zeros((1, 4, 4, 1), np.float32), training=True)
    tf = tensorflow()
    with tf.GradientTape() as tape:
        value = loss.compute_loss(None, None, student=twin)
    assert float(value) == pytest.approx(float(loss.compute_loss(None, None, student=student)), rel=1e-6)
    (kernel,) = [one for one in twin.get_layer("quant_conv").trainable_variables if len(one.shape) == 4]
    assert np.abs(tape.gradient(value, kernel)).max() > 0


def test_what_it_refuses(teacher: Any, student: Any) -> None:
    with pytest.raises(RecipeError, match="not a Keras model"):
        Weights().attach(student, None, [("relu", "relu")])
    with pytest.raises(RecipeError, match="no layer conv9"):
        kernel_of(student, "conv9")
    keras = keras3()
    bare = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(name="first")])
    with pytest.raises(RecipeError, match="no kernel"):
        kernel_of(bare, "first")
    with pytest.raises(UsageError, match="student"):
        Weights().compute_loss(None, None)
    with pytest.raises(UsageError, match="attach"):
        Weights().compute_loss(None, None, student=student)
