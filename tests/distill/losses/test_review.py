"""Knowledge review against loops over stages, positions and sizes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from tests.distill.losses.batches import normals, student_gradient, teacher_gradients
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.losses.review import Fusion, Review, hierarchical_context
from tinykd.errors import UsageError

pytestmark = pytest.mark.train


def blocks(x: np.ndarray, size: int) -> np.ndarray:
    """Block means of a square map whose side `size` divides."""
    step, out = x.shape[1] // size, np.zeros((len(x), size, size, x.shape[-1]))
    for n, i, j in np.ndindex(len(x), size, size):
        out[n, i, j] = x[n, i * step : (i + 1) * step, j * step : (j + 1) * step].mean(axis=(0, 1))
    return out


def context(a: np.ndarray, b: np.ndarray) -> float:
    parts = [(1.0, np.mean((a - b) ** 2))]
    for size in (4, 2, 1):
        if size < a.shape[1]:
            parts.append((parts[-1][0] / 2, np.mean((blocks(a, size) - blocks(b, size)) ** 2)))
    return sum(w * v for w, v in parts) / sum(w for w, _ in parts)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_hierarchical_context(size: int) -> None:
    a, b = (one.astype(np.float64) for one in normals((2, size, size, 3), (2, size, size, 3)))
    assert float(hierarchical_context(a.astype(np.float32), b.astype(np.float32))) == pytest.approx(context(a, b), rel=1e-5)


def test_hierarchical_context_by_hand() -> None:
    # A 2x2 map of differences 3, 1, -1, 1: squares 9, 1, 1, 1, mean 3; pooled to 1x1 the difference is 1. (3 + 1/2) / (1 + 1/2).
    difference = np.array([[[[3.0], [1.0]], [[-1.0], [1.0]]]], np.float32)
    assert float(hierarchical_context(difference, 0 * difference)) == pytest.approx(3.5 / 1.5)


def test_oblong_maps() -> None:
    # 6x2: only 1x1 is smaller both ways.
    a, b = (one.astype(np.float64) for one in normals((2, 6, 2, 3), (2, 6, 2, 3)))
    whole, mean = np.mean((a - b) ** 2), np.mean((a.mean(axis=(1, 2)) - b.mean(axis=(1, 2))) ** 2)
    assert float(hierarchical_context(a.astype(np.float32), b.astype(np.float32))) == pytest.approx((whole + mean / 2) / 1.5, rel=1e-5)


def normalised(x: np.ndarray) -> np.ndarray:
    """Batch normalization of a fresh layer."""
    return (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + 1e-5)


def left(fusion: Fusion, fused: np.ndarray) -> np.ndarray:
    """The last convolution as shifted products, and its normalization."""
    convolution = fusion.leave.layers[0] if hasattr(fusion.leave, "layers") else fusion.leave
    kernel = np.asarray(convolution.kernel, np.float64)
    kernel = kernel if kernel.ndim == 4 else kernel[None, None]
    side = len(kernel)
    padded = np.pad(fused, ((0, 0), (side // 2, side // 2), (side // 2, side // 2), (0, 0)))
    height, width = fused.shape[1:3]
    return normalised(sum(padded[:, y : y + height, x : x + width] @ kernel[y, x] for y in range(side) for x in range(side)))


@pytest.mark.parametrize("kernel", [1, 3])
def test_two_stages_against_loops(kernel: Literal[1, 3]) -> None:
    keras3().utils.set_random_seed(0)
    loss = Review(4, kernel)
    loss.build([(4, 4, 6), (2, 2, 5)], [(4, 4, 2), (2, 2, 3)])
    teachers, students = normals((3, 4, 4, 6), (3, 2, 2, 5)), normals((3, 4, 4, 2), (3, 2, 2, 3))
    shallow, deep = loss.fusions
    deepest = normalised(students[1].astype(np.float64) @ np.asarray(deep.enter.kernel))
    own = normalised(students[0].astype(np.float64) @ np.asarray(shallow.enter.kernel))
    (of_own, bias, of_deeper), fused = (np.asarray(v, np.float64) for one in shallow.fuse.networks for v in one.weights), np.zeros_like(own)
    assert own.shape == (3, 4, 4, 4)
    for n, y, x in np.ndindex(own.shape[:3]):
        below = deepest[n, y // 2, x // 2]
        a = 1 / (1 + np.exp(-(own[n, y, x] @ of_own + below @ of_deeper + bias)))
        fused[n, y, x] = a[0] * own[n, y, x] + a[1] * below
    expected = context(left(deep, deepest), teachers[1].astype(np.float64)) + context(left(shallow, fused), teachers[0].astype(np.float64))
    assert float(loss.compute_loss(teachers, students)) == pytest.approx(expected, rel=1e-4)


def test_a_shallow_stage_of_the_teacher_teaches_the_deeper_stage_of_the_student() -> None:
    keras3().utils.set_random_seed(0)
    loss = Review()
    loss.build([(4, 4, 6), (2, 2, 5)], [(4, 4, 2), (2, 2, 3)])
    students = normals((3, 4, 4, 2), (3, 2, 2, 3))
    deep = normals((3, 2, 2, 5))[0]
    shallow = normals((3, 4, 4, 6), (3, 4, 4, 6))
    _, one = student_gradient(lambda s: loss.compute_loss([shallow[0], deep], s), students)
    _, other = student_gradient(lambda s: loss.compute_loss([shallow[1], deep], s), students)
    assert np.abs(one - other).max() > 1e-4


def test_vectors_as_the_deepest_stage_and_other_sizes() -> None:
    keras3().utils.set_random_seed(0)
    loss = Review()
    loss.build([(4, 2, 6), (5,)], [(8, 6, 2), (3,)])
    teachers, students = normals((3, 4, 2, 6), (3, 5)), normals((3, 8, 6, 2), (3, 3))
    assert all(np.abs(one).max() > 0 for one in student_gradient(lambda s: loss.compute_loss(teachers, s), students))
    assert teacher_gradients(lambda t: loss.compute_loss(t, students), teachers) == [None, None]


def test_fused_maps_are_narrow_unless_told_otherwise() -> None:
    def sizes(loss: Review) -> list[tuple[int, ...]]:
        loss.build([(4, 4, 6), (2, 2, 5)], [(4, 4, 4), (2, 2, 8)])
        return [tuple(fusion.leave.get_weights()[0].shape) for fusion in loss.fusions]

    assert sizes(Review()) == [(2, 6), (2, 5)]
    assert sizes(Review(channels=8, kernel=3)) == [(3, 3, 8, 6), (3, 3, 8, 5)]


def test_moving_statistics_are_kept_and_not_trained() -> None:
    loss = Review(kernel=3)
    loss.build([(4, 4, 6), (2, 2, 5)], [(4, 4, 2), (2, 2, 3)])
    assert len(loss.trainable_variables) == 2 * (3 + 3) + 3
    assert len(loss.variables) == len(loss.trainable_variables) + 2 * 2


def test_unbuilt() -> None:
    with pytest.raises(UsageError, match="build"):
        Review().compute_loss(*normals((2, 4, 4, 3), (2, 4, 4, 3)))
