"""Hints through regressors whose weights are known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.distill.losses.batches import built, gradient, normal, value
from tinykd.distill.losses.hint import Hint
from tinykd.errors import UnsupportedModel

pytestmark = pytest.mark.train


def test_hand_computed_value() -> None:
    # r(x) = 2 x_0 + 3 x_1 + 1: the two positions give 2*1 + 3*0 + 1 = 3 and 2*0 + 3*2 + 1 = 7; the teacher has 1 and 8.
    student = np.array([[[[1.0, 0.0], [0.0, 2.0]]]], np.float32)
    teacher = np.array([[[[1.0], [8.0]]]], np.float32)
    loss = built(Hint(), [teacher], [student])
    loss.networks[0].set_weights([np.array([[2.0], [3.0]]), np.array([1.0])])
    assert value(loss, teacher, student) == pytest.approx((2**2 + 1**2) / 2, rel=1e-6)


def test_pairs_add_up_and_larger_maps_are_pooled() -> None:
    teachers, students = [normal(3, 4, 4, 5), normal(3, 6)], [normal(3, 2, 2, 4, seed=1), normal(3, 2, seed=2)]
    loss = built(Hint(), teachers, students)
    expected = 0.0
    for teacher, student, layer in zip(teachers, students, loss.networks, strict=True):
        kernel, bias = np.asarray(layer.kernel), np.asarray(layer.bias)
        if teacher.ndim == 4:  # 4x4 to 2x2: the mean of every second row and column, shifted
            teacher = sum(teacher[:, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
        expected += np.mean((np.tensordot(student, kernel, 1) + bias - teacher) ** 2)
    assert value(loss, teachers, students) == pytest.approx(expected, rel=1e-5)


def test_regressors_are_trained_with_the_student() -> None:
    loss = built(Hint(), [normal(3, 5)], [normal(3, 2)])
    assert [tuple(variable.shape) for variable in loss.trainable_variables] == [(2, 5), (5,)]
    assert loss.variables == loss.trainable_variables


def test_unbuilt_it_compares_equal_widths_and_refuses_others() -> None:
    same = normal(2, 3)
    assert value(Hint(), same, same) == 0.0
    np.testing.assert_allclose(gradient(Hint(), same, [same + 1])[0], 2 / 6, atol=1e-6)
    with pytest.raises(UnsupportedModel, match="no regressor"):
        value(Hint(), normal(2, 4), same)
