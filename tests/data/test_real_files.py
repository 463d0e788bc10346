"""The real data sets, where `TINYKD_DATA` names a folder that holds them: counts and balance as their authors state."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tinykd.data import load
from tinykd.recipe.toml import load_recipe

FOLDER = os.environ.get("TINYKD_DATA")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(FOLDER is None, reason="TINYKD_DATA is not set")]


@pytest.mark.parametrize(
    ("name", "shape", "train", "test", "of_each_class"),
    [
        # MNIST's test labels, 0 to 9, as counted by its authors' files.
        ("mnist", (28, 28, 1), 60000, 10000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("cifar10", (32, 32, 3), 50000, 10000, [1000] * 10),
        ("spoken_digits", (49, 40, 1), 2700, 300, [30] * 10),
    ],
)
def test_counts(name: str, shape: tuple[int, ...], train: int, test: int, of_each_class: list[int]) -> None:
    assert FOLDER is not None
    recipe = load_recipe(name)
    data = load(recipe.data, recipe.seed, Path(FOLDER))
    assert data.input_shape == shape
    assert len(data.train) + len(data.validation) == train
    assert len(data.test) == test
    assert np.bincount(data.test.y).tolist() == of_each_class
    # Validation is a tenth of each class, give or take its rounding.
    shares = np.bincount(data.validation.y) / (np.bincount(data.train.y) + np.bincount(data.validation.y))
    assert np.abs(shares - 0.1).max() < 0.002 or train < 10000
    assert data.train.x.min() >= 0
    assert 0.9 < data.train.x.max() < 1.2
