"""Vectors of length 1, and what becomes of those without length."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import normal
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses.unit import unit

pytestmark = pytest.mark.train


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
def test_length_one_in_the_same_direction(axis: int | tuple[int, ...]) -> None:
    x = normal(3, 4, 5, scale=100.0)
    scaled = np.asarray(unit(x, axis))
    np.testing.assert_allclose(np.sqrt((scaled**2).sum(axis=axis)), 1.0, rtol=1e-5)
    np.testing.assert_allclose(scaled * np.sqrt((x**2).sum(axis=axis, keepdims=True)), x, rtol=1e-4)


def test_zero_stays_zero_and_is_left_alone() -> None:
    tf = tensorflow()
    x = tf.Variable(np.zeros((2, 3), np.float32))
    with tf.GradientTape() as tape:
        scaled = unit(x)
    np.testing.assert_array_equal(scaled, 0.0)
    np.testing.assert_array_equal(tape.gradient(scaled, x), 0.0)
