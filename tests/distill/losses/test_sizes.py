"""Maps brought to one size: means over windows, whatever the two sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.distill.losses.batches import Array, normal
from tinykd.distill.losses.sizes import averaged, flat, matched, pooled, require_maps, windows
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train


def window_means(feature: Array, height: int, width: int) -> Array:
    """Adaptive average pooling, one window at a time."""
    batch, h, w, channels = feature.shape
    out = np.zeros((batch, height, width, channels), np.float32)
    for i in range(height):
        for j in range(width):
            rows = slice(math.floor(i * h / height), math.ceil((i + 1) * h / height))
            columns = slice(math.floor(j * w / width), math.ceil((j + 1) * w / width))
            out[:, i, j] = feature[:, rows, columns].mean(axis=(1, 2))
    return out


@pytest.mark.parametrize(("height", "width"), [(8, 6), (4, 3), (2, 6), (3, 4), (5, 5), (1, 1), (7, 1)])
def test_windows_of_any_size(height: int, width: int) -> None:
    feature = normal(2, 8, 6, 3)
    np.testing.assert_allclose(pooled(feature, height, width), window_means(feature, height, width), atol=1e-6)


def test_hand_written_windows() -> None:
    np.testing.assert_allclose(windows(4, 2), np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]))
    # 3 positions to 2: they share the middle one.
    np.testing.assert_allclose(windows(3, 2), np.array([[0.5, 0.5, 0], [0, 0.5, 0.5]]))


def test_the_larger_map_is_pooled_each_way() -> None:
    teacher, student = normal(2, 8, 3, 5), normal(2, 4, 6, 2, seed=1)
    t, s = matched(teacher, student)
    np.testing.assert_allclose(t, window_means(teacher, 4, 3), atol=1e-6)
    np.testing.assert_allclose(s, window_means(student, 4, 3), atol=1e-6)


def test_a_map_beside_a_vector_is_averaged() -> None:
    teacher, student = normal(2, 8, 3, 5), normal(2, 7, seed=1)
    t, s = matched(teacher, student)
    np.testing.assert_allclose(t, teacher.mean(axis=(1, 2)), atol=1e-6)
    assert s is student
    assert averaged(student) is student


def test_flat_keeps_one_row_a_sample() -> None:
    feature = normal(3, 2, 2, 2)
    np.testing.assert_array_equal(flat(feature), np.stack([one.ravel() for one in feature]))


def test_vectors_are_refused_where_only_maps_make_sense() -> None:
    require_maps("attention", (4, 4, 2))
    with pytest.raises(UnsupportedModel, match=r"attention.*\[7\]"):
        require_maps("attention", (4, 4, 2), (7,))
