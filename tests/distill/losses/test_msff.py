"""Multistage feature fusion against loops over stages, positions and channels."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import normals, student_gradient, teacher_gradients
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.losses.msff import MSFF
from tinykd.errors import UsageError

pytestmark = pytest.mark.train

TEACHERS = ((3, 4, 4, 6), (3, 2, 2, 5))
STUDENTS = ((3, 4, 4, 2), (3, 2, 2, 3))


def built(teachers: tuple[tuple[int, ...], ...] = TEACHERS, students: tuple[tuple[int, ...], ...] = STUDENTS) -> MSFF:
    keras3().utils.set_random_seed(0)
    loss = MSFF()
    loss.build([shape[1:] for shape in teachers], [shape[1:] for shape in students])
    return loss


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def far(ours: np.ndarray, theirs: np.ndarray) -> float:
    batch, height, width, channels = theirs.shape
    spatial = [1 - cosine(ours[n, y, x], theirs[n, y, x]) for n in range(batch) for y in range(height) for x in range(width)]
    channel = [1 - cosine(ours[n, :, :, c], theirs[n, :, :, c]) for n in range(batch) for c in range(channels)]
    return float(np.mean(spatial) + np.mean(channel))


def test_two_stages_against_loops() -> None:
    loss, teachers, students = built(), normals(*TEACHERS), normals(*STUDENTS, seed=1)
    (own, below), (deepest,) = ([np.asarray(one.kernel, np.float64) for one in stage.convolutions] for stage in loss.stages)
    own_bias, below_bias = (np.asarray(one.bias, np.float64) + 0.5 for one in loss.stages[0].convolutions)
    for one in loss.stages[0].convolutions:
        one.bias.assign(one.bias + 0.5)
    query = np.asarray(loss.stages[0].queries[0].kernel, np.float64)[:, 0]
    fused = np.zeros((3, 4, 4, 6))
    for n in range(3):
        scores = np.exp(
            [(students[0][n] @ own + own_bias).mean((0, 1)) @ query, (students[1][n] @ below + below_bias).mean((0, 1)) @ query]
        )
        for y, x in np.ndindex(4, 4):
            mixed = scores[0] * (students[0][n, y, x] @ own + own_bias) + scores[1] * (students[1][n, y // 2, x // 2] @ below + below_bias)
            fused[n, y, x] = mixed / scores.sum()
    expected = far(fused, teachers[0].astype(np.float64)) + far(students[1] @ deepest, teachers[1].astype(np.float64))
    assert float(loss.compute_loss(teachers, students)) == pytest.approx(expected, rel=1e-5)


def test_nothing_to_learn_where_fused_maps_are_the_teachers_whatever_their_scale() -> None:
    loss = built(((3, 4, 4, 2),), ((3, 4, 4, 2),))
    (student,) = normals((3, 4, 4, 2))
    (stage,) = loss.stages
    fused = np.asarray(stage([student]))
    assert float(loss.compute_loss(7 * fused, student)) == pytest.approx(0, abs=1e-6)
    assert float(loss.compute_loss(-fused, student)) == pytest.approx(4, abs=1e-5)


def test_every_stage_learns_and_no_gradient_reaches_the_teacher() -> None:
    loss = built(((3, 8, 2, 6), (3, 5)), ((3, 4, 4, 2), (3, 3)))
    teachers, students = normals((3, 8, 2, 6), (3, 5)), normals((3, 4, 4, 2), (3, 3), seed=1)
    assert all(np.abs(one).max() > 0 for one in student_gradient(lambda s: loss.compute_loss(teachers, s), students))
    assert teacher_gradients(lambda t: loss.compute_loss(t, students), teachers) == [None, None]


def test_dead_maps_give_finite_gradients() -> None:
    loss, teachers = built(), normals(*TEACHERS)
    teachers[0][..., 0] = 0
    for gradient in student_gradient(lambda s: loss.compute_loss(teachers, s), [np.zeros(shape, np.float32) for shape in STUDENTS]):
        assert np.isfinite(gradient).all()


def test_unbuilt() -> None:
    with pytest.raises(UsageError, match="build"):
        MSFF().compute_loss(*normals((2, 4, 4, 3), (2, 4, 4, 3)))
