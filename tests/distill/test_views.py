"""A view depends on seed, purpose and its number, and on nothing else."""

from __future__ import annotations

import numpy as np

from tinykd.distill.views import CHUNK_SAMPLES, Views
from tinykd.recipe.model import Augment

X = np.random.default_rng(5).random((CHUNK_SAMPLES + 3, 4, 4, 1), dtype=np.float32)
SHIFTED = Augment(shift=1)


def test_a_view_can_be_made_again() -> None:
    first, again = (Views(X, SHIFTED, 3, 4, "views") for _ in range(2))
    first.view(0)
    np.testing.assert_array_equal(first.view(2), again.view(2))


def test_views_seeds_and_purposes_differ() -> None:
    view = Views(X, SHIFTED, 3, 4, "views").view(1)
    assert not np.array_equal(view, Views(X, SHIFTED, 3, 4, "views").view(2))
    assert not np.array_equal(view, Views(X, SHIFTED, 4, 4, "views").view(1))
    assert not np.array_equal(view, Views(X, SHIFTED, 3, 4, "fresh views").view(1))


def test_stored_views_cycle_and_fresh_ones_do_not() -> None:
    assert [Views(X, SHIFTED, 0, 3, "views").index(epoch) for epoch in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [Views(X, SHIFTED, 0, 0, "views").index(epoch) for epoch in range(4)] == [0, 1, 2, 3]


def test_without_augmentation_a_view_is_the_input_itself() -> None:
    views = Views(X, Augment(), 0, 0, "views")
    assert not views.augmented
    assert views.view(9) is X
