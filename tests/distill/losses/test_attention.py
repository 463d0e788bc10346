"""Attention transfer, position by position."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import Array, gradient, normal, value
from tinykd.distill.losses.attention import Attention
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train


def test_hand_computed_value() -> None:
    # Two positions of one channel. Squares 9, 16 beside 1, 0: attention 9, 16 over sqrt(337), and 1, 0.
    student, teacher = np.array([3.0, 4.0], np.float32).reshape(1, 1, 2, 1), np.array([-1.0, 0.0], np.float32).reshape(1, 1, 2, 1)
    length = 337**0.5
    assert value(Attention(), teacher, student) == pytest.approx(((9 / length - 1) ** 2 + (16 / length) ** 2) / 2, rel=1e-6)


def attention(feature: Array, power: float) -> list[float]:
    """Of one sample, one position after the other, in float64."""
    found = [sum(abs(float(x)) ** power for x in position) for row in feature for position in row]
    return [one / float(np.linalg.norm(found)) for one in found]


@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_against_loops(power: float) -> None:
    teacher, student = normal(3, 4, 5, 6), normal(3, 4, 5, 2, seed=1)
    expected = np.mean([(np.subtract(attention(s, power), attention(t, power))) ** 2 for t, s in zip(teacher, student, strict=True)])
    assert value(Attention(power), teacher, student) == pytest.approx(expected, rel=1e-5)


def test_pairs_add_up_and_larger_maps_are_pooled() -> None:
    teacher, student, last = normal(3, 4, 4, 6), normal(3, 2, 2, 3, seed=1), normal(3, 1, 2, 4, seed=2)
    pooled = teacher.reshape(3, 2, 2, 2, 2, 6).mean(axis=(2, 4))
    both = value(Attention(), [teacher, last], [student, last[::-1]])
    assert both == pytest.approx(value(Attention(), pooled, student) + value(Attention(), last, last[::-1]), rel=1e-5)


def test_channels_are_free_in_number_order_sign_and_scale() -> None:
    teacher, student = normal(3, 4, 4, 6), normal(3, 4, 4, 3, seed=1)
    changed = np.concatenate([student, -student[..., ::-1]], axis=-1) * 7.0
    assert value(Attention(), teacher, changed) == pytest.approx(value(Attention(), teacher, student), rel=1e-5)
    assert value(Attention(), teacher, -2 * teacher) == pytest.approx(0.0, abs=1e-9)


def test_dead_maps_are_left_alone() -> None:
    assert np.abs(gradient(Attention(), normal(3, 2, 2, 6), [np.zeros((3, 2, 2, 3), np.float32)])[0]).max() == 0.0


def test_vectors_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="attention compares maps"):
        Attention().build([(4, 4, 2)], [(8,)])
    with pytest.raises(UnsupportedModel, match="attention compares maps"):
        value(Attention(), normal(3, 4), normal(3, 4))
