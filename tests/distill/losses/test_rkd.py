"""Relations between samples against SciPy's distances and angles triple by triple."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from tests.distill.losses.batches import normals, slope, student_gradient, teacher_gradients
from tinykd.distill.losses.rkd import RKD

pytestmark = pytest.mark.train


def smooth_l1(x: np.ndarray) -> float:
    return float(np.mean([0.5 * v * v if abs(v) < 1 else abs(v) - 0.5 for v in x.ravel()]))


def distances(x: np.ndarray) -> np.ndarray:
    d = squareform(pdist(x.astype(np.float64)))
    return d / d[d > 0].mean()


def cosines(x: np.ndarray) -> np.ndarray:
    """Law of cosines: nothing but side lengths."""
    d = squareform(pdist(x.astype(np.float64)))
    out = np.zeros((len(x),) * 3)
    for i, j, k in itertools.product(range(len(x)), repeat=3):
        if d[i, j] > 0 and d[i, k] > 0:
            out[i, j, k] = (d[i, j] ** 2 + d[i, k] ** 2 - d[j, k] ** 2) / (2 * d[i, j] * d[i, k])
    return out


def test_against_scipy() -> None:
    teacher, student = normals((7, 5), (7, 3))
    student[0] *= 9  # far away: the linear part of Huber's loss
    of_distances, of_angles = smooth_l1(distances(student) - distances(teacher)), smooth_l1(cosines(student) - cosines(teacher))
    assert np.abs(distances(student) - distances(teacher)).max() > 1
    assert float(RKD().compute_loss(teacher, student)) == pytest.approx(25 * of_distances + 50 * of_angles, rel=1e-5)
    assert float(RKD(1.0, 0.0).compute_loss(teacher, student)) == pytest.approx(of_distances, rel=1e-5)
    assert float(RKD(0.0, 1.0).compute_loss([teacher], [student])) == pytest.approx(of_angles, rel=1e-5)


def test_three_points_by_hand() -> None:
    # A 3-4-5 triangle: distances over their mean 4 are 3/4, 1, 5/4. Three points on a line, 1 apart: 3/4, 3/4, 3/2.
    teacher = np.array([[0, 0], [3, 0], [0, 4]], np.float32)
    student = np.array([[0.0], [1.0], [2.0]], np.float32)
    # d01 .75 - .75, d02 1.5 - 1, d12 .75 - 1.25; each twice among nine.
    expected = 2 * (0.5**2 / 2 + 0.5**2 / 2) / 9
    assert float(RKD(1.0, 0.0).compute_loss(teacher, student)) == pytest.approx(expected, rel=1e-5)


def test_maps_are_vectors() -> None:
    teacher, student = normals((4, 2, 3, 2), (4, 2, 2, 1))
    expected = RKD().compute_loss(teacher.reshape(4, -1), student.reshape(4, -1))
    assert float(RKD().compute_loss(teacher, student)) == pytest.approx(float(expected))


def test_pairs_add_up() -> None:
    a, b, c, d = normals((4, 2), (4, 3), (4, 5), (4, 2))
    both = RKD().compute_loss([a, b], [c, d])
    assert float(both) == pytest.approx(float(RKD().compute_loss(a, c)) + float(RKD().compute_loss(b, d)), rel=1e-6)


def test_a_moved_turned_scaled_teacher_costs_nothing() -> None:
    (teacher,) = normals((6, 4))
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))
    student = (3.0 * teacher @ turn + 5.0).astype(np.float32)
    assert float(RKD().compute_loss(teacher, student)) == pytest.approx(0.0, abs=1e-6)
    assert float(RKD().compute_loss(teacher, student**2)) > 0.1


def test_equal_samples_give_a_finite_gradient() -> None:
    teacher, student = normals((5, 3), (5, 3))
    student[1] = student[0]
    (gradient,) = student_gradient(lambda s: RKD().compute_loss(teacher, s[0]), [student])
    assert np.isfinite(gradient).all()
    assert np.isfinite(float(RKD().compute_loss(np.ones((3, 2), np.float32), np.zeros((3, 2), np.float32))))


def test_gradient() -> None:
    teacher, student = normals((6, 4), (6, 3))
    said, found = slope(lambda s: RKD().compute_loss(teacher, s[0]), [student], 1e-3)
    assert said == pytest.approx(found, rel=1e-2)
    assert teacher_gradients(lambda t: RKD().compute_loss(t[0], student), [teacher]) == [None]
