"""Contrast with a memory bank against probabilities worked out one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.distill.losses.batches import normals, student_gradient, teacher_gradients
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses.crd import CRD
from tinykd.errors import RecipeError, UsageError

pytestmark = pytest.mark.train

SAMPLES, TEMPERATURE, DIMENSION = 9, 0.5, 4
INDEX = np.array([6, 0])
DRAWN = np.array([1, 8, 1, 6, 3])
OTHERS = [[1, 8, 1, 3], [1, 8, 1, 6, 3]]  # without the sample itself
K = 3


class Known(CRD):
    """Draws what the test says."""

    def draw(self) -> Any:
        return keras3().ops.convert_to_tensor(DRAWN, "int32")


def built(loss: CRD) -> CRD:
    keras3().utils.set_random_seed(3)
    loss.samples = SAMPLES
    loss.build([(5,)], [(3,)])
    return loss


def estimate(anchors: np.ndarray, bank: np.ndarray, z: float | None) -> tuple[float, float]:
    """Equation 18 for each anchor, its positive and K times the mean of the drawn negatives; and Z."""
    products = [[np.exp(anchor @ bank[row] / TEMPERATURE) for row in (i, *others)] for anchor, i, others in zip(anchors, INDEX, OTHERS)]
    if z is None:
        z = SAMPLES * float(np.mean([(positive + K * np.mean(negatives)) / (1 + K) for positive, *negatives in products]))
    ratio = K / SAMPLES
    loss = 0.0
    for positive, *negatives in products:
        h = (positive / z) / (positive / z + ratio)
        loss -= np.log(h)
        loss -= K * np.mean([np.log(1 - (negative / z) / (negative / z + ratio)) for negative in negatives])
    return loss / len(anchors), z


def embedded(loss: CRD, number: int, feature: np.ndarray) -> np.ndarray:
    kernel, bias = (np.asarray(v, np.float64) for v in loss.networks[number].trainable_variables)
    rows = feature @ kernel + bias
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_two_steps_against_probabilities() -> None:
    loss = built(Known(3, TEMPERATURE, 0.25, DIMENSION))
    z: list[float | None] = [None, None]
    for seed in (0, 1):
        teacher, student = normals((2, 5), (2, 3), seed=seed)
        banks = [np.asarray(bank, np.float64) for bank in loss.banks]
        g_t, g_s = embedded(loss, 0, teacher), embedded(loss, 1, student)
        (of_student, z[0]), (of_teacher, z[1]) = estimate(g_s, banks[0], z[0]), estimate(g_t, banks[1], z[1])
        value = float(loss.compute_loss(teacher, student, index=INDEX))
        assert value == pytest.approx(of_student + of_teacher, rel=1e-5)
        # The rows of the batch, and no others, move towards its embeddings and stay 1 long.
        for bank, before, g in zip(loss.banks, banks, (g_t, g_s)):
            mixed = 0.25 * before[INDEX] + 0.75 * g
            before[INDEX] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
            np.testing.assert_allclose(np.asarray(bank), before, atol=1e-6)


def test_draws_every_sample_alike() -> None:
    loss = built(CRD(2000, dimension=DIMENSION, drawn=9000))
    assert loss.others == SAMPLES - 1
    counts = np.bincount(np.asarray(loss.draw()), minlength=SAMPLES)
    assert counts.sum() == 9000
    assert 800 < counts.min() <= counts.max() < 1200


def test_its_expectation_is_that_of_the_paper() -> None:
    """The paper draws K others for each sample: the mean over all that can be drawn, times K, is what is expected of that."""
    teacher, student = normals((2, 5), (2, 3))
    loss = built(CRD(3, TEMPERATURE, 0.5, DIMENSION))
    for normalization in loss.normalizations:
        normalization.assign(np.log(4.0))
    expected = 0.0
    for number, (bank, feature) in enumerate(zip(loss.banks, (student, teacher))):
        rows, anchors = np.asarray(bank, np.float64), embedded(loss, 1 - number, feature)
        for anchor, index in zip(anchors, INDEX):
            chances = np.exp(rows @ anchor / TEMPERATURE) / 4.0
            h = chances / (chances + 3 / SAMPLES)
            expected -= (np.log(h[index]) + 3 * np.mean(np.log(1 - np.delete(h, index)))) / len(INDEX)
    before = [np.array(variable) for variable in loss.banks]
    found = []
    for _ in range(40):
        for bank, kept in zip(loss.banks, before, strict=True):
            bank.assign(kept)
        found.append(float(loss.compute_loss(teacher, student, index=INDEX)))
    assert np.mean(found) == pytest.approx(expected, rel=5e-3)


def test_checkpoint_repeats_the_next_step() -> None:
    loss, (teacher, student) = built(CRD(5, dimension=DIMENSION)), normals((2, 5), (2, 3))
    loss.compute_loss(teacher, student, index=INDEX)
    kept = [np.array(variable) for variable in loss.variables]
    once = float(loss.compute_loss(teacher, student, index=INDEX))
    again = built(CRD(5, dimension=DIMENSION))
    for variable, value in zip(again.variables, kept, strict=True):
        variable.assign(value)
    assert float(again.compute_loss(teacher, student, index=INDEX)) == once
    assert len(loss.trainable_variables) == 4
    assert len(loss.variables) == 4 + 2 + 2 + 1


def test_inside_a_compiled_step_it_learns() -> None:
    tf, loss = tensorflow(), built(CRD(8, dimension=DIMENSION))
    teacher, student = normals((SAMPLES, 5), (SAMPLES, 3))
    variables = [variable.value for variable in loss.trainable_variables]
    optimizer = keras3().optimizers.Adam(0.05)

    @tf.function(autograph=False)
    def step(index: Any, t: Any, s: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss.compute_loss(t, s, index=index)
        optimizer.apply_gradients(zip(tape.gradient(value, variables), loss.trainable_variables))
        return value

    index = np.arange(SAMPLES)
    values = [float(step(index, teacher, student)) for _ in range(60)]
    assert np.mean(values[-5:]) < 0.8 * np.mean(values[:5])


def test_compiled_for_any_batch_it_is_the_same() -> None:
    tf, (teacher, student) = tensorflow(), normals((2, 5), (2, 3))
    eager, loss = built(CRD(5, dimension=DIMENSION)), built(CRD(5, dimension=DIMENSION))
    specifications = [tf.TensorSpec((None, 5)), tf.TensorSpec((None, 3)), tf.TensorSpec((None,), tf.int64)]
    compiled = tf.function(lambda t, s, index: loss.compute_loss(t, s, index=index), input_signature=specifications, autograph=False)
    for _ in range(2):  # the second step draws and remembers on
        value = float(compiled(teacher, student, INDEX))
        assert value == pytest.approx(float(eager.compute_loss(teacher, student, index=INDEX)), rel=1e-5)
    for one, other in zip(loss.variables, eager.variables, strict=True):
        np.testing.assert_allclose(np.array(one), np.array(other), rtol=1e-5, atol=1e-6)


def test_far_apart_embeddings_stay_finite() -> None:
    loss = built(Known(3, 0.01, 0.5, DIMENSION))
    teacher, student = normals((2, 5), (2, 3))
    (gradient,) = student_gradient(lambda s: loss.compute_loss(teacher, s[0], index=INDEX), [student])
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_no_gradient_reaches_the_teacher() -> None:
    loss, (teacher, student) = built(CRD(5, dimension=DIMENSION)), normals((2, 5), (2, 3))
    assert teacher_gradients(lambda t: loss.compute_loss(t[0], student, index=INDEX), [teacher]) == [None]


def test_what_it_needs() -> None:
    teacher, student = normals((2, 5), (2, 3))
    with pytest.raises(UsageError, match="index"):
        built(CRD(5, dimension=DIMENSION)).compute_loss(teacher, student)
    with pytest.raises(UsageError, match="build"):
        CRD().compute_loss(teacher, student, index=INDEX)
    with pytest.raises(UsageError, match="how many"):
        CRD().build([(5,)], [(3,)])
    with pytest.raises(RecipeError, match="one pair"):
        CRD().build([(5,), (6,)], [(3,), (3,)])
