"""Correlation of probabilities against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import pearsonr

from tests.distill.losses.batches import gradient, normal, value
from tinykd.distill.keras_modules import keras
from tinykd.distill.losses.dist import Dist, pearson

pytestmark = pytest.mark.train

TEACHER, STUDENT = normal(6, 4, scale=3.0), normal(6, 4, seed=1, scale=3.0)


@pytest.mark.parametrize(("beta", "gamma", "temperature"), [(1.0, 1.0, 4.0), (2.0, 0.0, 1.0), (0.0, 3.0, 1.0)])
def test_against_scipy(beta: float, gamma: float, temperature: float) -> None:
    p, q = softmax(TEACHER.astype(float) / temperature, axis=1), softmax(STUDENT.astype(float) / temperature, axis=1)
    rows = np.mean([1 - pearsonr(p[i], q[i]).statistic for i in range(6)])
    columns = np.mean([1 - pearsonr(p[:, j], q[:, j]).statistic for j in range(4)])
    expected = temperature**2 * (beta * rows + gamma * columns)
    assert value(Dist(beta, gamma, temperature), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)


def test_zero_for_equal_logits() -> None:
    assert value(Dist(), TEACHER, TEACHER + 3.0) == pytest.approx(0.0, abs=1e-5)


def test_correlation_forgives_scale_and_offset_and_turns_with_the_sign() -> None:
    ops = keras().ops
    a, b = normal(3, 8), normal(3, 8, seed=1)
    straight = np.asarray(pearson(ops.convert_to_tensor(a), ops.convert_to_tensor(b), axis=1))
    np.testing.assert_allclose(pearson(ops.convert_to_tensor(5 * a + 2), ops.convert_to_tensor(0.1 * b - 1), axis=1), straight, atol=1e-5)
    np.testing.assert_allclose(pearson(ops.convert_to_tensor(-a), ops.convert_to_tensor(b), axis=1), -straight, atol=1e-6)


def test_what_is_constant_is_uncorrelated_and_left_alone() -> None:
    # One sample: no deviation within a class. Equal logits: none between classes either, but for rounding of 1/26.
    assert value(Dist(0.0, 1.0, 1.0), TEACHER[:1], STUDENT[:1]) == 1.0
    assert 0 < np.abs(gradient(Dist(), TEACHER[:1], [STUDENT[:1]])[0]).max() < 100
    equal = np.full((3, 26), 0.1, np.float32)
    assert value(Dist(), normal(3, 26), equal) == 32.0
    np.testing.assert_array_equal(gradient(Dist(), normal(3, 26), [equal])[0], 0.0)
