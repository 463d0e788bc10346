"""Every loss of the table through a whole run: stored features, student, quantization-aware training, integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.distill.small import small_recipe
from tinykd.distill.losses import LOSSES
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill

pytestmark = [pytest.mark.train, pytest.mark.slow]

TRAINING = {"epochs": 1, "batch_size": 32}


@pytest.mark.parametrize("name", LOSSES)
def test_a_run_with_this_loss_ends_in_integers(tmp_path: Path, name: str) -> None:
    recipe = small_recipe(
        tmp_path,
        teacher={"net": "ds_cnn", "knobs": {"width": 6, "depth": 2, "strides": [1, 2]}, "train": TRAINING},
        distill={"losses": [{"name": name}], "baseline": False, "train": TRAINING},
        quantize={"train": TRAINING},
    )
    section = distill(recipe, tmp_path / "out", command="", progress=QuietProgress())
    assert np.isfinite(section["fidelity"]["student"]["predictive_kl"])
    assert section["int8_model_bytes"] < 12_000
    assert 0.0 <= section["accuracy"]["int8"] <= 1.0
