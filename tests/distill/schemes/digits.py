"""Small digits: a student of eight hidden units, seconds of training, and what it reaches on labels alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinykd.data import load
from tinykd.distill.evaluation import accuracy
from tinykd.distill.pipeline import Pipeline
from tinykd.distill.progress import QuietProgress, TrainingProgress
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory


def digits_recipe(scheme: dict[str, Any], hidden: tuple[int, ...] = (8,), **distill: Any) -> Recipe:
    """Teacher `mlp` of 64 units, student of a few, and little time."""
    return Recipe.model_validate(
        {
            "name": "digits",
            "seed": 1,
            "data": {"name": "digits"},
            "teacher": {"net": "mlp", "knobs": {"hidden": [64]}, "train": {"epochs": 20, "batch_size": 32, "learning_rate": 5e-3}},
            "student": {"net": "mlp", "knobs": {"hidden": list(hidden)}},
            "distill": {
                "scheme": scheme,
                "baseline": True,
                "train": {"epochs": 30, "batch_size": 32, "learning_rate": 5e-3},
                **distill,
            },
            "quantize": {"calibration_samples": 128, "train": {"epochs": 1, "batch_size": 64, "learning_rate": 1e-3}},
        }
    )


def pipeline(recipe: Recipe, root: Path, progress: TrainingProgress | None = None) -> Pipeline:
    """A run in `root`."""
    return Pipeline(recipe, load(recipe.data, recipe.seed), RunDirectory(root), progress or QuietProgress())


def test_accuracy(run: Pipeline, stage: str) -> float:
    """On the test split, from the stage's stored predictions."""
    with np.load(run.run.path(f"predictions/{stage}.npz"), allow_pickle=False) as archive:
        return accuracy(archive["test"], run.data.test.y)


test_accuracy.__test__ = False  # type: ignore[attr-defined]
