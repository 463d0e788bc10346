"""Regression that stops where the student is better than its teacher."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.distill.losses.batches import gradient, value
from tinykd.distill.losses.bounded import Bounded
from tinykd.errors import UsageError

pytestmark = pytest.mark.train

TRUTH = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]], np.float32)
TEACHER = np.array([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0]], np.float32)  # squared errors 2, 0, 1
STUDENT = np.array([[1.0, 0.0], [1.0, 3.0], [2.0, 1.5]], np.float32)  # squared errors 1, 4, 2.25


def test_hand_computed_value() -> None:
    assert value(Bounded(), TEACHER, STUDENT, labels=TRUTH) == pytest.approx((0 + 4 + 2.25) / 3, rel=1e-6)
    # By a margin of 1 the first student (1 beside 2) is still not better: 1 + 1 > 2 is false, with more it is true.
    assert value(Bounded(1.0), TEACHER, STUDENT, labels=TRUTH) == pytest.approx((0 + 4 + 2.25) / 3, rel=1e-6)
    assert value(Bounded(1.1), TEACHER, STUDENT, labels=TRUTH) == pytest.approx((1 + 4 + 2.25) / 3, rel=1e-6)


def test_the_gradient_leads_to_the_truth_and_stops_for_the_better() -> None:
    (slope,) = gradient(Bounded(), TEACHER, [STUDENT], labels=TRUTH)
    np.testing.assert_allclose(slope, np.array([[0, 0], [0, 2 * 2 / 3], [0, 2 * 1.5 / 3]]), atol=1e-6)


def test_classes_are_compared_by_briers_score() -> None:
    # Probabilities 3/4, 1/4 (teacher) and 1/2, 1/2 (student): errors 1/8 and 1/2 with label 0, 9/8 and 1/2 with label 1.
    teacher, student = [[math.log(3), 0.0]] * 2, [[5.0, 5.0]] * 2
    assert value(Bounded(), teacher, student, labels=np.array([0, 1])) == pytest.approx((0.5 + 0.0) / 2, rel=1e-6)


def test_without_labels_there_is_no_truth() -> None:
    with pytest.raises(UsageError, match="labels"):
        value(Bounded(), TEACHER, STUDENT)
