"""Soft targets against values worked out by hand and an analytic gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow, tf_keras
from tinykd.distill.losses import LOSSES, from_recipe
from tinykd.distill.losses.kd import KD
from tinykd.recipe.losses import Kd

pytestmark = pytest.mark.train


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_hand_computed_value() -> None:
    # Teacher odds 3:1, student 1:1 at T = 2: KL = 3/4 ln(3/4 / 1/2) + 1/4 ln(1/4 / 1/2), times T^2 = 4; the second row agrees.
    teacher = np.array([[2 * math.log(3), 0.0], [1.0, 5.0]], np.float32)
    student = np.array([[7.0, 7.0], [-1.0, 3.0]], np.float32)
    expected = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2
    assert float(KD(2.0).compute_loss(teacher, student)) == pytest.approx(expected, rel=1e-6)


def test_gradient_is_t_times_difference_of_probabilities() -> None:
    tf = tensorflow()
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(0, 3, (2, 5, 4)).astype(np.float32)
    variable = tf.Variable(student)
    with tf.GradientTape() as tape:
        loss = KD(3.0).compute_loss(teacher, variable)
    expected = 3.0 * (softmax(student / 3.0) - softmax(teacher / 3.0)) / 5
    np.testing.assert_allclose(tape.gradient(loss, variable).numpy(), expected, atol=1e-6)


def test_no_gradient_reaches_the_teacher() -> None:
    tf = tensorflow()
    teacher = tf.Variable([[1.0, 2.0]])
    with tf.GradientTape() as tape:
        loss = KD().compute_loss(teacher, tf.constant([[0.0, 1.5]]))
    assert tape.gradient(loss, teacher) is None


def test_far_apart_logits_stay_exact() -> None:
    # log_softmax of [0, 60] is [-60, ~0]: probability clipping (1e-7) would saturate at 16.1.
    loss = KD(1.0).compute_loss(np.array([[60.0, 0.0]], np.float32), np.array([[0.0, 60.0]], np.float32))
    assert float(loss) == pytest.approx(60.0, rel=1e-5)
    assert np.isfinite(float(KD(1.0).compute_loss(np.array([[3e4, -3e4]], np.float32), np.array([[-3e4, 3e4]], np.float32))))


def test_inside_a_tf_keras_training_step() -> None:
    tf, legacy = tensorflow(), tf_keras()
    model = legacy.Sequential([legacy.layers.Dense(3, input_shape=(2,))])
    loss = KD(4.0)

    @tf.function
    def step(x: object, t: object) -> object:
        return loss.compute_loss(t, model(x))

    x, t = np.ones((2, 2), np.float32), np.zeros((2, 3), np.float32)
    assert float(step(x, t)) == pytest.approx(float(loss.compute_loss(t, model(x))), rel=1e-6)


def test_drops_into_keras_own_distiller() -> None:
    keras = keras3()
    teacher = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    student = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    keras.utils.set_random_seed(0)
    distiller = keras.distillation.Distiller(teacher, student, distillation_losses=KD(2.0), student_loss_weight=0.5)
    distiller.compile(optimizer="sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    history = distiller.fit(x, np.array([0, 1, 2, 0]), verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_table() -> None:
    loss = from_recipe(Kd(temperature=7.0))
    assert LOSSES["kd"] is KD
    assert isinstance(loss, KD)
    assert loss.temperature == 7.0
    with pytest.raises(ValueError, match="above 0"):
        KD(0.0)
