"""Learning rates at steps where they are known."""

from __future__ import annotations

import pytest

from tinykd.distill.schedule import learning_rate
from tinykd.recipe.model import Training


def test_cosine_halves_in_the_middle_and_ends_near_zero() -> None:
    training = Training(epochs=10, learning_rate=0.2, schedule="cosine")
    assert learning_rate(training, 0, 4) == 0.2
    assert learning_rate(training, 20, 4) == pytest.approx(0.1)
    assert learning_rate(training, 39, 4) == pytest.approx(0.2 * 0.00154, rel=1e-2)


def test_step_divides_by_ten_at_half_and_three_quarters() -> None:
    training = Training(epochs=8, learning_rate=1.0, schedule="step")
    rates = [learning_rate(training, step, 1) for step in range(8)]
    assert rates == pytest.approx([1.0] * 4 + [0.1] * 2 + [0.01] * 2)


def test_warm_up_rises_linearly_to_the_peak() -> None:
    training = Training(epochs=5, learning_rate=1.0, schedule="constant", warmup_epochs=1.0)
    assert [learning_rate(training, step, 4) for step in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
