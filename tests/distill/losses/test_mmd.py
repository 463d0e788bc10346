"""Discrepancy of channels, by its definition over pairs and by the moments that it equals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Literal

import numpy as np
import pytest

from tests.distill.losses.batches import Array, gradient, normal, value
from tinykd.distill.losses.mmd import MMD
from tinykd.distill.losses.nst import NST
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train

TEACHER, STUDENT = normal(3, 4, 2, 6), normal(3, 4, 2, 3, seed=1)
KERNELS: dict[Literal["linear", "polynomial"], Callable[[float], float]] = {"linear": lambda dot: dot, "polynomial": lambda dot: dot * dot}


def channels(sample: Array) -> list[np.ndarray]:
    """Channels of one map as vectors of length 1, float64."""
    rows = np.moveaxis(sample.astype(np.float64), -1, 0).reshape(sample.shape[-1], -1)
    return [row / np.linalg.norm(row) for row in rows]


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_against_loops_over_pairs_of_channels(kernel: Literal["linear", "polynomial"]) -> None:
    def mean(a: list[np.ndarray], b: list[np.ndarray]) -> float:
        return float(np.mean([KERNELS[kernel](float(np.dot(x, y))) for x, y in product(a, b)]))

    pairs = [(channels(t), channels(s)) for t, s in zip(TEACHER, STUDENT, strict=True)]
    expected = np.mean([mean(t, t) + mean(s, s) - 2 * mean(s, t) for t, s in pairs])
    assert value(MMD(kernel), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)


def test_linear_is_the_distance_of_the_mean_channels() -> None:
    expected = np.mean(
        [np.sum((np.mean(channels(t), axis=0) - np.mean(channels(s), axis=0)) ** 2) for t, s in zip(TEACHER, STUDENT, strict=True)]
    )
    assert value(MMD(), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)


def test_nst_is_the_distance_of_the_second_moments() -> None:
    def moment(sample: Array) -> np.ndarray:
        return np.mean([np.outer(channel, channel) for channel in channels(sample)], axis=0)

    expected = np.mean([np.linalg.norm(moment(t) - moment(s)) ** 2 for t, s in zip(TEACHER, STUDENT, strict=True)])
    assert value(NST(), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)


def test_channels_are_free_in_number_order_and_scale() -> None:
    scales = np.array([1.0, 3.0, 0.2, 5.0, 2.0, 1.0], np.float32)
    repeated = np.concatenate([TEACHER * scales, TEACHER[..., ::-1]], axis=-1)
    for loss in (MMD(), NST()):
        assert value(loss, TEACHER, repeated) == pytest.approx(0.0, abs=1e-6)
    assert value(NST(), TEACHER, -TEACHER) == pytest.approx(0.0, abs=1e-6)
    assert value(MMD(), TEACHER, -TEACHER) > 0.1


def test_dead_channels_are_left_alone() -> None:
    dead = STUDENT * np.array([1.0, 0.0, 1.0], np.float32)
    for loss in (MMD(), NST()):
        (slope,) = gradient(loss, TEACHER, [dead])
        np.testing.assert_array_equal(slope[..., 1], 0.0)
        assert 0 < np.abs(slope).max() < 10


def test_pairs_add_up_and_vectors_are_refused() -> None:
    both = value(NST(), [TEACHER, TEACHER], [STUDENT, STUDENT[::-1]])
    assert both == pytest.approx(value(NST(), TEACHER, STUDENT) + value(NST(), TEACHER, STUDENT[::-1]), rel=1e-5)
    with pytest.raises(UnsupportedModel, match="maps"):
        NST().build([(4,)], [(4,)])
