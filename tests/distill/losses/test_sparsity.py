"""Sparsity patterns: counts of neurons, and the surrogates' gradients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from tests.distill.losses.batches import built, gradient, normal, value
from tinykd.distill.losses.sparsity import Sparsity

pytestmark = pytest.mark.train

TEACHER = np.array([[1.0, 0.0, -2.0, 0.5], [0.0, 0.0, 3.0, 1.0]], np.float32)  # on: 1 0 0 1 / 0 0 1 1
STUDENT = np.array([[2.0, 0.3, -1.0, -0.1], [0.0, -5.0, 0.2, 0.0]], np.float32)  # on: 1 1 0 0 / 0 0 1 0


def test_the_fraction_of_neurons_that_disagree() -> None:
    assert value(Sparsity(), TEACHER, STUDENT) == pytest.approx(3 / 8, rel=1e-6)
    assert value(Sparsity(), TEACHER, 7 * TEACHER) == 0.0
    assert value(Sparsity(), [TEACHER, TEACHER], [STUDENT, TEACHER]) == pytest.approx(3 / 8, rel=1e-6)


def test_straight_through_pushes_only_neurons_that_disagree() -> None:
    (slope,) = gradient(Sparsity(slope=2.0), TEACHER, [STUDENT])
    p = expit(2.0 * STUDENT.astype(float))
    wrong = np.array([[0, 1, 0, -1], [0, 0, 0, -1]])  # on beside off, off beside on
    np.testing.assert_allclose(slope, wrong * 2.0 * p * (1 - p) / 8, atol=1e-6)


def test_sigmoid_is_the_mean_distance_of_soft_patterns() -> None:
    expected = np.mean([abs(expit(4.0 * s) - (t > 0)) for s, t in zip(STUDENT.ravel(), TEACHER.ravel(), strict=True)])
    assert value(Sparsity("sigmoid"), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)
    assert (gradient(Sparsity("sigmoid"), TEACHER, [STUDENT])[0] != 0).all(), "all are pushed outwards"


def test_regressors_only_where_widths_differ() -> None:
    assert list(built(Sparsity(), [TEACHER], [STUDENT]).networks) == []
    loss = built(Sparsity(), [TEACHER], [normal(2, 3)])
    kernel, bias = (np.asarray(variable) for variable in loss.trainable_variables)
    assert value(loss, TEACHER, normal(2, 3)) == pytest.approx(np.mean((normal(2, 3) @ kernel + bias > 0) != (TEACHER > 0)), rel=1e-6)
