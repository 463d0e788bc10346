"""A run with every loss that remembers, prepares or looks at the models: resumed bit for bit, and without a trace in the student."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.distill.small import small_data, small_recipe
from tests.distill.test_features import InterruptAt, run
from tinykd.distill.keras_files import load_keras
from tinykd.distill.weights import load_arrays
from tinykd.recipe.model import Recipe

pytestmark = [pytest.mark.train, pytest.mark.slow]

CRD = {"name": "crd", "negatives": 8, "dimension": 4}
FACTOR = {"name": "factor", "epochs": 2, "weight": 1.0}
OTHERS = [{"name": name} for name in ("weights", "jacobian", "review", "msff", "fsp", "svd", "rkd")]


def recipe_of(folder: Path, losses: list[Mapping[str, object]]) -> Recipe:
    """Teacher and student `ds_cnn`, of 6 and 4 channels."""
    return small_recipe(
        folder,
        teacher={"net": "ds_cnn", "knobs": {"width": 6, "depth": 2, "strides": [1, 2]}},
        data={"augment": {}},
        distill={"losses": losses, "views": 0, "baseline": False},
    )


def test_resumed_through_quantization_with_all_of_them(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, [CRD, FACTOR, *OTHERS])
    results = run(recipe, tmp_path / "unbroken")
    helpers = load_arrays(tmp_path / "unbroken/helpers.npz")
    samples = len(small_data(recipe).train)
    assert [array.shape for array in helpers[4:6]] == [(samples, 4)] * 2, "a row a training sample in either bank"
    assert not any(array.shape == (samples, 4) for array in load_keras(tmp_path / "unbroken/student.keras").get_weights())
    steps = samples // 32
    for number in (2 * steps + steps + 1, steps + 1 + steps):
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "broken", InterruptAt(number))
    assert run(recipe, tmp_path / "broken") == results
