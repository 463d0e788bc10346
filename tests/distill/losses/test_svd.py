"""Singular vectors against NumPy's decomposition of each map, and their gradient against TensorFlow's own."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.distill.losses.batches import normals, slope, student_gradient, teacher_gradients
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses.maps import moments
from tinykd.distill.losses.svd import SVD, singular
from tinykd.errors import RecipeError

pytestmark = pytest.mark.train


def decomposed(sample: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values and right vectors as rows, of one map."""
    _, values, vectors = np.linalg.svd(sample.reshape(-1, sample.shape[-1]).astype(np.float64), full_matrices=False)
    return values, vectors


def aligned(student: np.ndarray, teacher: np.ndarray, k: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of one sample: the student's and teacher's k vectors, like by like."""
    values, theirs = decomposed(teacher)
    _, candidates = decomposed(student)
    scale = values[:k] / np.sqrt((values[:k] ** 2).sum())
    ours, fixed = [], []
    for vector, factor in zip(theirs[:k], scale):
        vector = vector * (1 if vector.sum() >= 0 else -1)
        best = max(candidates[: k + 3], key=lambda candidate: abs(candidate @ vector))
        ours.append(best * np.sign(best @ vector) * factor)
        fixed.append(vector * factor)
    return ours, fixed


def expected_loss(teachers: list[np.ndarray], students: list[np.ndarray], k: int) -> float:
    total, batch = 0.0, len(teachers[0])
    for n in range(batch):
        both = [aligned(student[n], teacher[n], k) for student, teacher in zip(students, teachers)]
        for (ours, theirs), (ours_next, theirs_next) in pairwise(both):
            for v in range(k):
                for i in range(len(ours[v])):
                    for j in range(len(ours_next[v])):
                        of_student = np.exp(-((ours[v][i] - ours_next[v][j]) ** 2) / 8)
                        of_teacher = np.exp(-((theirs[v][i] - theirs_next[v][j]) ** 2) / 8)
                        total += (of_student - of_teacher) ** 2
    return total / batch


SHAPES = ((3, 4, 4, 5), (3, 2, 4, 6), (3, 2, 2, 3))
FEW_POSITIONS = ((2, 4, 4, 3), (2, 1, 2, 7))


@pytest.mark.parametrize("shapes", [SHAPES, FEW_POSITIONS])
@pytest.mark.parametrize("k", [1, 2])
def test_against_numpy(k: int, shapes: tuple[tuple[int, ...], ...]) -> None:
    teachers, students = normals(*shapes, seed=1), normals(*shapes, seed=2)
    value = float(SVD(k).compute_loss(teachers, students))
    assert value == pytest.approx(expected_loss(teachers, students, k), rel=1e-4, abs=1e-5)
    assert value > 1e-3


def test_one_position_by_hand() -> None:
    # Of one position the only right vector is the feature's direction: [1, 0] and [1] for the teacher, [0, 1] and [1] for the student.
    teachers = [np.array([[[[2.0, 0.0]]]], np.float32), np.array([[[[5.0]]]], np.float32)]
    students = [np.array([[[[0.0, 3.0]]]], np.float32), np.array([[[[1.0]]]], np.float32)]
    # Teacher: exp(-(1-1)^2/8) and exp(-(0-1)^2/8); student the reverse.
    assert float(SVD().compute_loss(teachers, students)) == pytest.approx(2 * (1 - np.exp(-1 / 8)) ** 2, rel=1e-4)


def test_of_a_large_batch_the_first_samples_are_compared() -> None:
    teachers, students = normals(*SHAPES), normals(*SHAPES, seed=1)
    two = float(SVD(decomposed=2).compute_loss(teachers, students))
    assert two == float(SVD().compute_loss([one[:2] for one in teachers], [one[:2] for one in students]))
    assert two != pytest.approx(float(SVD().compute_loss(teachers, students)), rel=1e-3)


def test_sign_and_scale_do_not_matter() -> None:
    teachers = normals(*SHAPES)
    assert float(SVD().compute_loss(teachers, teachers)) == pytest.approx(0, abs=1e-8)
    assert float(SVD().compute_loss(teachers, [-3 * teachers[0], 0.1 * teachers[1], -teachers[2]])) == pytest.approx(0, abs=1e-8)


def test_gradient_of_singular_vectors_is_tensorflows() -> None:
    tf = tensorflow()
    (maps,) = normals((2, 3, 3, 4))
    weights = np.random.default_rng(5).normal(size=(2, 4, 2)).astype(np.float32)

    def ours(student: object) -> object:
        _, vectors = singular(moments(student, student), 2)
        signs = tf.stop_gradient(tf.sign(tf.reduce_sum(vectors, axis=1, keepdims=True)))
        return tf.reduce_sum((vectors * signs) ** 3 * weights)

    def tensorflows(student: object) -> object:
        _, _, vectors = tf.linalg.svd(tf.reshape(student, (2, 9, 4)))
        vectors = vectors[:, :, :2]
        signs = tf.stop_gradient(tf.sign(tf.reduce_sum(vectors, axis=1, keepdims=True)))
        return tf.reduce_sum((vectors * signs) ** 3 * weights)

    (a,), (b,) = (student_gradient(lambda s, f=f: f(s[0]), [maps]) for f in (ours, tensorflows))
    assert np.abs(b).max() > 0.1
    np.testing.assert_allclose(a, b, atol=1e-4)


def test_dead_and_degenerate_maps_give_finite_gradients() -> None:
    teachers, students = normals(*SHAPES), [np.zeros(shape, np.float32) for shape in SHAPES]
    students[1][:, :, :, :] = 1.0  # one singular value, the others all 0
    students[2][:, 0, 0, 0] = students[2][:, 1, 1, 1] = 1.0  # two equal ones
    for gradient in student_gradient(lambda s: SVD().compute_loss(teachers, s), students):
        assert np.isfinite(gradient).all()


def test_other_widths_get_a_convolution() -> None:
    loss = SVD()
    loss.build([(4, 4, 3), (2, 2, 5)], [(4, 4, 2), (2, 2, 5)])
    assert [variable.shape for variable in loss.trainable_variables] == [(2, 3)]
    teachers, students = normals((2, 4, 4, 3), (2, 2, 2, 5)), normals((2, 4, 4, 2), (2, 2, 2, 5))
    wide = np.einsum("bhwc,cd->bhwd", students[0], np.asarray(loss.trainable_variables[0]))
    expected = SVD().compute_loss(teachers, [wide, students[1]])
    assert float(loss.compute_loss(teachers, students)) == pytest.approx(float(expected), rel=1e-4)
    with pytest.raises(RecipeError, match="consecutive"):
        loss.build([(4, 4, 3)], [(4, 4, 2)])


def test_gradient() -> None:
    teachers, students = normals(*SHAPES), normals(*SHAPES, seed=5)
    said, found = slope(lambda s: SVD().compute_loss(teachers, s), students, 3e-3)
    assert said == pytest.approx(found, rel=3e-2)
    assert teacher_gradients(lambda t: SVD().compute_loss(t, students), teachers) == [None] * 3
