"""Decoupled knowledge distillation against SciPy's divergences of explicit probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from tests.distill.losses.batches import Array, gradient, normal, value
from tinykd.distill.losses.dkd import DKD
from tinykd.distill.losses.kd import KD
from tinykd.errors import UnsupportedModel, UsageError

pytestmark = pytest.mark.train

TEACHER, STUDENT = normal(7, 5, scale=3.0), normal(7, 5, seed=1, scale=3.0)
LABELS = np.array([0, 1, 2, 3, 4, 0, 3])


def divergences(teacher: Array, student: Array, labels: np.ndarray, temperature: float) -> tuple[float, float]:
    """Mean divergence of target against rest, and of the rest among themselves, in float64."""
    binary, rest = [], []
    for t, s, label in zip(teacher.astype(np.float64), student.astype(np.float64), labels, strict=True):
        p, q = softmax(t / temperature), softmax(s / temperature)
        binary.append(entropy([p[label], 1 - p[label]], [q[label], 1 - q[label]]))
        rest.append(entropy(np.delete(p, label), np.delete(q, label)))  # SciPy scales both to sum 1
    return float(np.mean(binary)), float(np.mean(rest))


@pytest.mark.parametrize(("alpha", "beta", "temperature"), [(1.0, 8.0, 4.0), (0.5, 2.0, 1.0), (0.0, 1.0, 2.0), (1.0, 0.0, 2.0)])
def test_against_scipy(alpha: float, beta: float, temperature: float) -> None:
    binary, rest = divergences(TEACHER, STUDENT, LABELS, temperature)
    expected = temperature**2 * (alpha * binary + beta * rest)
    assert value(DKD(alpha, beta, temperature), TEACHER, STUDENT, labels=LABELS) == pytest.approx(expected, rel=1e-5)


def test_with_beta_as_the_rest_of_the_teacher_it_is_kd() -> None:
    for row, label in enumerate(LABELS):
        teacher, student = TEACHER[row : row + 1], STUDENT[row : row + 1]
        beta = 1.0 - softmax(teacher[0] / 4.0)[label]
        mine = value(DKD(1.0, float(beta), 4.0), teacher, student, labels=LABELS[row : row + 1])
        assert mine == pytest.approx(value(KD(4.0), teacher, student), rel=1e-4, abs=1e-5)


def test_zero_for_equal_logits_up_to_an_offset() -> None:
    assert value(DKD(), TEACHER, TEACHER + 7.0, labels=LABELS) == pytest.approx(0.0, abs=1e-5)


def test_sure_networks_give_finite_numbers() -> None:
    # In probabilities 1 - p_y would be 0 and its logarithm infinite.
    teacher, student = np.array([[3e4, 0.0, -3e4]], np.float32), np.array([[-3e4, 3e4, 0.0]], np.float32)
    for labels in ([0], [1], [2]):
        assert np.isfinite(value(DKD(temperature=1.0), teacher, student, labels=labels))
        assert np.isfinite(gradient(DKD(temperature=1.0), teacher, [student], labels=labels)[0]).all()
    # Rest -60 beside target 0 in the student, the other way round in the teacher: exactly 60.
    loss = DKD(1.0, 0.0, 1.0)
    far = value(loss, np.array([[0.0, 60.0, -200.0]], np.float32), np.array([[60.0, 0.0, -200.0]], np.float32), labels=[0])
    assert far == pytest.approx(60.0, rel=1e-5)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match="labels"):
        value(DKD(), TEACHER, STUDENT)
    with pytest.raises(UnsupportedModel, match="3 classes"):
        value(DKD(), TEACHER[:, :2], STUDENT[:, :2], labels=LABELS % 2)
    with pytest.raises(UnsupportedModel, match="3 classes"):
        DKD().build([(2,)], [(2,)])
