"""Similarity of samples, against rows computed one by one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import Array, gradient, normal, value
from tinykd.distill.losses.similarity import Similarity

pytestmark = pytest.mark.train


def similarities(feature: Array) -> np.ndarray:
    """Normalised rows of the Gram matrix, in float64, one sample after the other."""
    samples = [one.ravel().astype(np.float64) for one in feature]
    rows = [np.array([np.dot(a, b) for b in samples]) for a in samples]
    return np.array([row / np.linalg.norm(row) for row in rows])


def test_hand_computed_value() -> None:
    # Student samples at right angles: G = I. Teacher's the same: G = ones / sqrt 2.
    student, teacher = np.eye(2, dtype=np.float32), np.float32([[3.0], [3.0]])
    root = 0.5**0.5
    assert value(Similarity(), teacher, student) == pytest.approx((2 * (1 - root) ** 2 + 2 * root**2) / 4, rel=1e-6)


def test_against_loops() -> None:
    teacher, student = normal(5, 4, 4, 3), normal(5, 2, 2, 7, seed=1)
    expected = np.linalg.norm(similarities(student) - similarities(teacher), "fro") ** 2 / 25
    assert value(Similarity(), teacher, student) == pytest.approx(expected, rel=1e-5)
    both = value(Similarity(), [teacher, teacher], [student, student])
    assert both == pytest.approx(2 * expected, rel=1e-5)


def test_rotations_and_scales_of_feature_space_are_free() -> None:
    teacher = normal(6, 5)
    rotation, _ = np.linalg.qr(normal(5, 5, seed=3))
    assert value(Similarity(), teacher, 3 * teacher @ rotation) == pytest.approx(0.0, abs=1e-9)


def test_dead_samples_do_not_explode() -> None:
    student = normal(3, 4) * np.float32([[1], [0], [1]])
    assert 0 < np.abs(gradient(Similarity(), normal(3, 5), [student])[0]).max() < 10
