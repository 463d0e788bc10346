"""A recipe and a data set so small that a whole run takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinykd.data import Dataset, load
from tinykd.distill.pipeline import Pipeline
from tinykd.distill.progress import QuietProgress, TrainingProgress
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory

CLASSES = 3


def blobs(folder: Path) -> Path:
    """An `.npz` of 4x4 images: one bright quadrant a class, and noise."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % CLASSES
    x = rng.random((120, 4, 4, 1), dtype=np.float32) * 0.6
    for sample, label in enumerate(y):
        row, column = divmod(int(label), 2)
        x[sample, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2] += 0.4
    path = folder / "blobs.npz"
    np.savez(path, x=x, y=y)
    return path


def small_recipe(folder: Path, **changes: Any) -> Recipe:
    """Teacher `mlp`, student `ds_cnn` with batch norm, two epochs each, two stored views."""
    training = {"epochs": 2, "batch_size": 32}
    values: dict[str, Any] = {
        "name": "blobs",
        "data": {"name": "npz", "path": str(blobs(folder)), "augment": {"shift": 1}},
        "teacher": {"net": "mlp", "knobs": {"hidden": [8]}, "train": training},
        "student": {"net": "ds_cnn", "knobs": {"width": 4, "depth": 1, "strides": [1, 2]}},
        "distill": {"views": 2, "train": training},
        "quantize": {"train": {**training, "learning_rate": 1e-3}},
    }
    for name, change in changes.items():
        values[name] = {**values[name], **change} if isinstance(change, dict) else change
    return Recipe.model_validate(values)


def small_data(recipe: Recipe) -> Dataset:
    """The recipe's data."""
    return load(recipe.data, recipe.seed)


def small_pipeline(recipe: Recipe, root: Path, progress: TrainingProgress | None = None) -> Pipeline:
    """A pipeline in `root`."""
    return Pipeline(recipe, small_data(recipe), RunDirectory(root), progress or QuietProgress())
