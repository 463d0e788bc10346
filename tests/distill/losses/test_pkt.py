"""Neighbour probabilities against SciPy's distances and relative entropy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import entropy

from tests.distill.losses.batches import Array, gradient, normal, value
from tinykd.distill.losses.pkt import PKT

pytestmark = pytest.mark.train


def neighbours(feature: Array) -> np.ndarray:
    """Rows that sum to something; SciPy's entropy scales them to 1."""
    rows = feature.reshape(len(feature), -1).astype(np.float64)
    return 1 - cdist(rows, rows, "cosine") / 2  # (cosine + 1) / 2, as the distance is 1 - cosine


def test_hand_computed_value() -> None:
    # Teacher at right angles: rows 1, 1/2 -> 2/3, 1/3. Student in one direction: 1/2, 1/2.
    teacher, student = np.eye(2, dtype=np.float32), np.float32([[1.0], [4.0]])
    divergence = 2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)
    assert value(PKT(), teacher, student) == pytest.approx(divergence / 2, rel=1e-5)


def test_against_scipy() -> None:
    teacher, student = normal(6, 2, 2, 3), normal(6, 5, seed=1)
    expected = np.sum([entropy(p, q) for p, q in zip(neighbours(teacher), neighbours(student), strict=True)]) / 36
    assert value(PKT(), teacher, student) == pytest.approx(expected, rel=1e-4, abs=1e-7)
    assert value(PKT(), [teacher, teacher], [student, student]) == pytest.approx(2 * expected, rel=1e-4, abs=1e-7)


def test_rotations_and_lengths_are_free() -> None:
    teacher = normal(6, 5)
    rotation, _ = np.linalg.qr(normal(5, 5, seed=3))
    lengths = np.float32([[1], [2], [0.5], [9], [1], [3]])
    assert value(PKT(), teacher, lengths * teacher @ rotation) == pytest.approx(0.0, abs=1e-7)


def test_dead_and_opposite_samples_do_not_explode() -> None:
    for student in (np.float32([[0, 0], [1, 2], [3, -1]]), np.float32([[1, 2], [-1, -2], [3, -1]])):
        assert 0 < np.abs(gradient(PKT(), normal(3, 5), [student])[0]).max() < 10
