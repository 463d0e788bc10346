"""Cross-entropy with soft targets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from tests.distill.losses.batches import gradient, normal, value
from tinykd.distill.losses.kd import KD
from tinykd.distill.losses.soft_target_ce import SoftTargetCE

pytestmark = pytest.mark.train


def test_hand_computed_value() -> None:
    # Teacher 3/4, 1/4 at T = 2; student 1/2, 1/2: the cross-entropy is ln 2 whatever the targets.
    assert value(SoftTargetCE(2.0), [[2 * math.log(3), 0.0]], [[7.0, 7.0]]) == pytest.approx(math.log(2), rel=1e-6)
    # Student 1/4, 3/4: 3/4 ln 4 + 1/4 ln 4/3.
    expected = 0.75 * math.log(4) + 0.25 * math.log(4 / 3)
    assert value(SoftTargetCE(2.0), [[2 * math.log(3), 0.0]], [[0.0, 2 * math.log(3)]]) == pytest.approx(expected, rel=1e-6)


def test_entropy_plus_divergence() -> None:
    teacher, student = normal(6, 5, scale=4.0), normal(6, 5, seed=1, scale=4.0)
    p, q = softmax(teacher / 4.0, axis=1), softmax(student / 4.0, axis=1)
    expected = np.mean([entropy(p[i]) + entropy(p[i], q[i]) for i in range(6)])
    assert value(SoftTargetCE(), teacher, student) == pytest.approx(expected, rel=1e-5)
    assert value(SoftTargetCE(), teacher, teacher) == pytest.approx(np.mean(entropy(p, axis=1)), rel=1e-5)


def test_the_gradient_is_that_of_kd_without_its_factor() -> None:
    teacher, student = normal(6, 5, scale=4.0), normal(6, 5, seed=1, scale=4.0)
    (mine,), (kd,) = gradient(SoftTargetCE(3.0), teacher, [student]), gradient(KD(3.0), teacher, [student])
    np.testing.assert_allclose(9.0 * mine, kd, atol=1e-6)
