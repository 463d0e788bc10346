"""The weight of a loss over a training, against hand-computed factors."""

from __future__ import annotations

import numpy as np
import pytest

from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.objective import Objective, Term
from tinykd.distill.weight_schedule import CONSTANT, WeightSchedule

pytestmark = pytest.mark.train


class One:
    """A loss of 1."""

    def compute_loss(self, *_: object, **__: object) -> float:
        return 1.0


def at(schedule: WeightSchedule, epoch: float) -> float:
    objective = Objective(0.0, 0.0, (Term(3.0, One(), schedule=schedule),))
    tf = tensorflow()
    logits = {"logits": tf.zeros((2, 3))}
    return float(objective(logits, logits, {"labels": np.zeros(2, np.int64), "epoch": tf.constant(epoch, tf.float32)}))


@pytest.mark.parametrize(("epoch", "weight"), [(0, 0.0), (5, 0.75), (10.5, 1.575), (20, 3.0), (200, 3.0)])
def test_warm_up_rises_linearly_and_stays(epoch: float, weight: float) -> None:
    assert at(WeightSchedule(20.0, "none", 240.0), epoch) == pytest.approx(weight, rel=1e-6)


@pytest.mark.parametrize(
    ("decay", "epoch", "weight"),
    [("linear", 0, 3.0), ("linear", 2.5, 2.25), ("linear", 10, 0.0), ("cosine", 5, 1.5), ("cosine", 10 / 3, 2.25), ("cosine", 10, 0.0)],
)
def test_decay_ends_at_zero(decay: str, epoch: float, weight: float) -> None:
    assert at(WeightSchedule(0.0, decay, 10.0), epoch) == pytest.approx(weight, abs=1e-6)


@pytest.mark.parametrize(
    ("schedule", "weight"),
    [(WeightSchedule(5.0, "none", 10.0), 3.0), (WeightSchedule(0.0, "cosine", 10.0), 0.0), (WeightSchedule(20.0, "none", 5.0), 0.75)],
)
def test_a_training_that_goes_on_neither_warms_up_again_nor_comes_back(schedule: WeightSchedule, weight: float) -> None:
    (term,) = Objective(terms=(Term(3.0, One(), schedule=schedule),)).continued().terms
    assert term.weight == pytest.approx(weight, abs=1e-6)
    assert term.schedule == CONSTANT


def test_without_an_epoch_the_weight_is_whole() -> None:
    assert WeightSchedule(5.0, "linear", 10.0).factor(None) == 1.0
