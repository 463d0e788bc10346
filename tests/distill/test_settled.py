"""A trained network keeps what validates better: its own statistics, or those measured anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinykd.data import Dataset, Split
from tinykd.distill.keras_modules import keras
from tinykd.distill.progress import QuietProgress
from tinykd.distill.stages import Stages
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory

pytestmark = pytest.mark.train

X = np.array([[-1.0, 0.0], [-2.0, 0.0], [1.0, 0.0], [2.0, 0.0]], np.float32)
SPLIT = Split(X, np.array([0, 0, 1, 1]))


@pytest.mark.parametrize(("turned", "kept"), [(False, [[-1.0, 1.0], [0.0, 0.0]]), (True, [[-3.0, 3.0], [0.0, 0.0]])])
def test_the_better_on_validation_stays(tmp_path: Path, turned: bool, kept: list[list[float]]) -> None:
    """A dense layer that is right everywhere; what settles it turns its answers around, or leaves them right."""
    library = keras()
    model = library.Sequential([library.Input((2,)), library.layers.Dense(2, use_bias=False)])
    model.set_weights([np.array([[-1.0, 1.0], [0.0, 0.0]], np.float32)])
    dataset = Dataset(name="four", train=SPLIT, validation=SPLIT, test=SPLIT, class_names=("less", "more"), content_hash="0" * 64)
    stages = Stages(Recipe(), dataset, RunDirectory(tmp_path), QuietProgress())
    factor = -3.0 if not turned else 3.0
    settle: Callable[[], None] = lambda: model.set_weights([model.get_weights()[0] * factor])  # noqa: E731
    stages.settled(model, settle)
    np.testing.assert_array_equal(model.get_weights()[0], kept)
