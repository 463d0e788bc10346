"""Regression on logits."""

from __future__ import annotations

import pytest

from tests.distill.losses.batches import normal, value
from tinykd.distill.losses.logits import Logits

pytestmark = pytest.mark.train


def test_hand_computed_value() -> None:
    # Differences 1, -2, 0 and 3, 0, 0: (1 + 4 + 9) / 6.
    assert value(Logits(), [[1.0, 2.0, 3.0], [0.0, 5.0, -1.0]], [[2.0, 0.0, 3.0], [3.0, 5.0, -1.0]]) == pytest.approx(14 / 6, rel=1e-6)


def test_zero_for_equal_logits_only() -> None:
    logits = normal(4, 5)
    assert value(Logits(), logits, logits) == 0.0
    assert value(Logits(), logits, logits + 1.0) == pytest.approx(1.0, rel=1e-5), "unlike kd, an offset counts"
