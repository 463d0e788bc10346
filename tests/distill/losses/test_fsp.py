"""Flow between layers, summed position by position in the test."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import normals, slope, teacher_gradients
from tinykd.distill.losses.fsp import FSP
from tinykd.errors import RecipeError

pytestmark = pytest.mark.train


def flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One sample's matrix: the mean of outer products over positions of `second`, which is the smaller."""
    height, width = second.shape[:2]
    rows, columns = first.shape[0] // height, first.shape[1] // width
    total = np.zeros((first.shape[-1], second.shape[-1]))
    for y in range(height):
        for x in range(width):
            window = first[y * rows : (y + 1) * rows, x * columns : (x + 1) * columns]
            total += np.outer(window.reshape(-1, window.shape[-1]).mean(axis=0), second[y, x])
    return total / (height * width)


def test_against_outer_products() -> None:
    shapes = ((3, 4, 6, 2), (3, 2, 3, 4), (3, 1, 1, 5))
    teachers, students = normals(*shapes, seed=1), normals(*shapes, seed=2)
    expected = sum(
        np.mean([np.mean((flow(students[i][n], students[i + 1][n]) - flow(teachers[i][n], teachers[i + 1][n])) ** 2) for n in range(3)])
        for i in range(2)
    )
    assert float(FSP().compute_loss(teachers, students)) == pytest.approx(expected, rel=1e-5)


def test_one_position_by_hand() -> None:
    # G_s = [1, 2]^T [3] = [3, 6], G_t = [2, 2]^T [1] = [2, 2]: mean of 1 and 16.
    ones = [np.array([[[[1.0, 2.0]]]], np.float32), np.array([[[[3.0]]]], np.float32)]
    others = [np.array([[[[2.0, 2.0]]]], np.float32), np.array([[[[1.0]]]], np.float32)]
    assert float(FSP().compute_loss(others, ones)) == pytest.approx(8.5)


def test_sizes_and_vectors_and_order_of_positions_do_not_matter() -> None:
    teachers = normals((2, 4, 4, 3), (2, 4, 4, 2))
    assert float(FSP().compute_loss(teachers, teachers)) == 0
    # The same shuffle of positions in both layers; a student whose map repeats each position twice.
    order = np.random.default_rng(0).permutation(16)
    shuffled = [layer.reshape(2, 16, -1)[:, order].reshape(layer.shape) for layer in teachers]
    assert float(FSP().compute_loss(teachers, shuffled)) == pytest.approx(0, abs=1e-12)
    assert float(FSP().compute_loss(teachers, [np.repeat(layer, 2, axis=1) for layer in teachers])) == pytest.approx(0, abs=1e-12)
    maps, vectors = [layer[:, :1, :1] for layer in teachers], [layer[:, 0, 0] for layer in shuffled]
    assert float(FSP().compute_loss(maps, vectors)) > 1e-3


def test_other_widths_get_a_convolution_and_equal_ones_none() -> None:
    loss = FSP()
    loss.build([(4, 4, 3), (2, 2, 5)], [(4, 4, 2), (2, 2, 5)])
    (kernel,) = loss.trainable_variables
    assert kernel.shape == (2, 3)
    teachers, students = normals((2, 4, 4, 3), (2, 2, 2, 5)), normals((2, 4, 4, 2), (2, 2, 2, 5))
    wide = (students[0].reshape(-1, 2) @ np.asarray(kernel)).reshape(2, 4, 4, 3)
    expected = FSP().compute_loss(teachers, [wide.astype(np.float32), students[1]])
    assert float(loss.compute_loss(teachers, students)) == pytest.approx(float(expected), rel=1e-5)


def test_one_pair_is_refused() -> None:
    with pytest.raises(RecipeError, match="consecutive"):
        FSP().build([(4, 4, 3)], [(4, 4, 3)])
    with pytest.raises(RecipeError, match="consecutive"):
        FSP().compute_loss(*normals((2, 4, 4, 3), (2, 4, 4, 3)))


def test_gradient() -> None:
    teachers, students = normals((2, 4, 4, 3), (2, 2, 2, 2)), normals((2, 4, 4, 3), (2, 2, 2, 2), seed=5)
    said, found = slope(lambda s: FSP().compute_loss(teachers, s), students)
    assert said == pytest.approx(found, rel=1e-2)
    assert teacher_gradients(lambda t: FSP().compute_loss(t, students), teachers) == [None, None]
