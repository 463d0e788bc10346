"""Stratified splits: shares by class, disjoint, repeatable."""

from __future__ import annotations

import numpy as np

from tinykd.data import load
from tinykd.data.split import stratified
from tinykd.recipe.model import Data


def test_each_class_gives_its_share() -> None:
    y = np.repeat([0, 1, 2, 3], [100, 50, 3, 1])
    kept, held = stratified(y, 0.1, seed=0)
    assert np.bincount(y[held], minlength=4).tolist() == [10, 5, 1, 0]
    assert sorted([*kept, *held]) == list(range(len(y)))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(held) > 0).all()


def test_seed_decides() -> None:
    y = np.arange(200) % 4
    assert stratified(y, 0.25, 1)[1].tolist() == stratified(y, 0.25, 1)[1].tolist()
    assert stratified(y, 0.25, 1)[1].tolist() != stratified(y, 0.25, 2)[1].tolist()


def test_choice_is_the_same_on_every_machine() -> None:
    assert stratified(np.arange(30) % 3, 0.2, 7)[1].tolist() == PINNED


PINNED = [0, 7, 13, 14, 20, 24]


def test_limits_leave_a_stratified_part_of_each_split() -> None:
    whole = load(Data(name="digits"), seed=0)
    part = load(Data(name="digits", train_limit=200, test_limit=50), seed=0)
    assert abs(len(part.train.y) - 200) <= part.classes  # each class is rounded for itself
    assert abs(len(part.test.y) - 50) <= part.classes
    assert abs(len(part.validation.y) - 50) <= part.classes
    assert np.ptp(np.bincount(part.train.y)) <= 2
    assert {sample.tobytes() for sample in part.test.x} <= {sample.tobytes() for sample in whole.test.x}
    assert part.content_hash != whole.content_hash
    assert load(Data(name="digits", train_limit=10**6), seed=0).content_hash == whole.content_hash
