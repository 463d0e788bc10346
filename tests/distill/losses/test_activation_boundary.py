"""Activation boundaries, neuron by neuron."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import built, gradient, normal, value
from tinykd.distill.losses.activation_boundary import ActivationBoundary

pytestmark = pytest.mark.train


def neuron(s: float, t: float, m: float) -> float:
    """The paper's cases."""
    if t <= 0 and s > -m:
        return (s + m) ** 2
    if t > 0 and s <= m:
        return (s - m) ** 2
    return 0.0


@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_against_the_papers_cases(margin: float) -> None:
    teacher, student = normal(3, 2, 2, 4), normal(3, 2, 2, 4, seed=1, scale=2.0)
    expected = sum(neuron(float(s), float(t), margin) for s, t in zip(student.ravel(), teacher.ravel(), strict=True)) / 3
    assert value(ActivationBoundary(margin), teacher, student) == pytest.approx(expected, rel=1e-5)


def test_hand_computed_value() -> None:
    # off/off far: 0. off but near: (-0.5 + 1)^2. on but should be off: (2 + 1)^2. on/on near: (0.5 - 1)^2. far: 0.
    teacher, student = [[-1.0, -9.0, 0.0, 0.1, 5.0]], [[-1.5, -0.5, 2.0, 0.5, 1.5]]
    assert value(ActivationBoundary(), np.float32(teacher), np.float32(student)) == pytest.approx(0.25 + 9 + 0.25, rel=1e-6)


def test_deeper_pairs_count_twice_the_one_before() -> None:
    teachers = [normal(3, 4, 4, 2), normal(3, 2, 2, 2, seed=1), normal(3, 5, seed=2)]
    students = [normal(*one.shape, seed=7) for one in teachers]
    alone = [value(ActivationBoundary(), t, s) for t, s in zip(teachers, students, strict=True)]
    assert value(ActivationBoundary(), teachers, students) == pytest.approx(alone[0] / 4 + alone[1] / 2 + alone[2], rel=1e-5)


def test_only_the_teachers_signs_count() -> None:
    teacher, student = normal(3, 6), normal(3, 6, seed=1)
    assert value(ActivationBoundary(), 100 * np.maximum(teacher, 0), student) == value(ActivationBoundary(), teacher, student)
    assert value(ActivationBoundary(), teacher, np.sign(teacher) * 1.0001) == 0.0


def test_the_gradient_pushes_to_the_teachers_side() -> None:
    (slope,) = gradient(ActivationBoundary(), np.float32([[1.0, -1.0, 1.0, -1.0]]), [np.zeros((1, 4), np.float32)])
    np.testing.assert_allclose(slope, np.array([[-2.0, 2.0, -2.0, 2.0]]), atol=1e-6)


def test_through_a_regressor() -> None:
    teacher, student = normal(3, 2, 2, 5), normal(3, 2, 2, 3, seed=1)
    loss = built(ActivationBoundary(), [teacher], [student])
    kernel, bias = (np.asarray(variable) for variable in loss.trainable_variables)
    expected = value(ActivationBoundary(), teacher, np.einsum("bhwc,cd->bhwd", student, kernel) + bias)
    assert value(loss, teacher, student) == pytest.approx(expected, rel=1e-5)
