"""Standardised logits against SciPy's z-scores."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy, zscore

from tests.distill.losses.batches import gradient, normal, value
from tinykd.distill.losses.dist import Dist
from tinykd.distill.losses.dkd import DKD
from tinykd.distill.losses.logit_std import LogitStd
from tinykd.errors import UnsupportedModel, UsageError

pytestmark = pytest.mark.train

TEACHER, STUDENT = normal(6, 5, scale=9.0), normal(6, 5, seed=1, scale=2.0)


@pytest.mark.parametrize("ddof", [0, 1])
def test_kd_of_z_scores(ddof: Literal[0, 1]) -> None:
    p, q = (softmax(zscore(z.astype(float), axis=1, ddof=ddof) / 2.0, axis=1) for z in (TEACHER, STUDENT))
    expected = 4.0 * np.mean([entropy(p[i], q[i]) for i in range(6)])
    assert value(LogitStd(ddof=ddof), TEACHER, STUDENT) == pytest.approx(expected, rel=1e-5)


def test_in_front_of_the_others() -> None:
    t, s = (zscore(z, axis=1, ddof=1) for z in (TEACHER, STUDENT))
    labels = np.array([0, 1, 2, 3, 4, 0])
    expected = value(DKD(temperature=3.0), t, s, labels=labels, epoch=5)
    assert value(LogitStd("dkd", 3.0), TEACHER, STUDENT, labels=labels, epoch=5) == pytest.approx(expected, rel=1e-5)
    assert value(LogitStd("dist", 3.0), TEACHER, STUDENT) == pytest.approx(value(Dist(temperature=3.0), t, s), rel=1e-5)


def test_scale_and_offset_of_either_are_free() -> None:
    free = value(LogitStd(), TEACHER, STUDENT)
    assert value(LogitStd(), 7 * TEACHER - 3, 0.2 * STUDENT + 11) == pytest.approx(free, rel=1e-4)
    assert value(LogitStd(), TEACHER, 4 * TEACHER + 1) == pytest.approx(0.0, abs=1e-6)


def test_equal_logits_are_left_alone() -> None:
    np.testing.assert_array_equal(gradient(LogitStd(), TEACHER, [np.ones_like(STUDENT)])[0], 0.0)


def test_what_the_loss_behind_refuses_is_refused() -> None:
    with pytest.raises(UsageError, match="labels"):
        value(LogitStd("dkd"), TEACHER, STUDENT)
    with pytest.raises(UnsupportedModel, match="3 classes"):
        LogitStd("dkd").build([(2,)], [(2,)])
