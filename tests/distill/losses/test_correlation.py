"""Kernels between samples against SciPy's distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tests.distill.losses.batches import Array, built, gradient, normal, value
from tinykd.distill.losses.correlation import Correlation

pytestmark = pytest.mark.train

TEACHER, STUDENT = normal(6, 5), normal(6, 4, seed=1)


def gaussian(feature: Array, gamma: float) -> np.ndarray:
    """The kernel itself, unexpanded, of rows scaled to length 1."""
    rows = feature.reshape(len(feature), -1).astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.exp(-gamma * cdist(rows, rows, "sqeuclidean"))


def through(loss: Correlation, student: Array) -> Array:
    kernel, bias = (np.asarray(variable) for variable in loss.trainable_variables)
    return student.reshape(len(student), -1) @ kernel + bias


@pytest.mark.parametrize("gamma", [0.4, 1.0])
def test_a_long_expansion_is_the_gaussian(gamma: float) -> None:
    loss = built(Correlation(gamma=gamma, order=16), [TEACHER], [STUDENT])
    difference = gaussian(through(loss, STUDENT), gamma) - gaussian(TEACHER, gamma)
    assert value(loss, TEACHER, STUDENT) == pytest.approx(np.linalg.norm(difference) ** 2 / 36, rel=1e-5)


def test_the_default_stops_after_the_square() -> None:
    # Student at right angles, teacher in one direction: off the diagonal x · y is 0 and 1, and 0.8 + 0.8^2 / 2 = 1.12 goes missing.
    student, teacher = np.eye(2, dtype=np.float32), np.ones((2, 2), np.float32)
    expected = 2 * (math.exp(-0.8) * 1.12) ** 2 / 4
    assert value(Correlation(), teacher, student) == pytest.approx(expected, rel=1e-5)


def test_bilinear_is_the_gram_matrix() -> None:
    teacher, student = normal(6, 2, 2, 5), normal(6, 1, 2, 4, seed=1)
    loss = built(Correlation("bilinear"), [teacher], [student])
    rows, embedded = teacher.reshape(6, -1), through(loss, student)
    pairs = [(np.dot(embedded[i], embedded[j]) - np.dot(rows[i], rows[j])) ** 2 for i in range(6) for j in range(6)]
    assert value(loss, teacher, student) == pytest.approx(np.mean(pairs), rel=1e-5)


def test_rotations_are_free_and_so_are_lengths_to_the_gaussian() -> None:
    rotation, _ = np.linalg.qr(normal(5, 5, seed=3))
    assert value(Correlation(), TEACHER, 3 * TEACHER @ rotation) == pytest.approx(0.0, abs=1e-9)
    assert value(Correlation("bilinear"), TEACHER, TEACHER @ rotation) == pytest.approx(0.0, abs=1e-9)
    assert value(Correlation("bilinear"), TEACHER, 3 * TEACHER) > 1.0


def test_dead_samples_do_not_explode() -> None:
    student = normal(6, 5, seed=1) * np.float32([[1], [0], [1], [1], [1], [1]])
    assert 0 < np.abs(gradient(Correlation(), TEACHER, [student])[0]).max() < 10
