"""Data sets by name: bundled, on disk, or downloaded; checked, split and ready to train on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tinykd.data.cifar10 import cifar10
from tinykd.data.dataset import Dataset, Split, content_hash
from tinykd.data.digits import digits
from tinykd.data.images import images
from tinykd.data.mnist import mnist
from tinykd.data.npz import npz
from tinykd.data.source import Source
from tinykd.data.split import stratified
from tinykd.data.spoken_digits import spoken_digits
from tinykd.data.validate import check_classes, check_same_features, checked_split
from tinykd.data.wav import wav
from tinykd.errors import DataError
from tinykd.recipe.model import Data

__all__ = ["LOADERS", "Dataset", "Split", "load"]

LOADERS: dict[str, Callable[[Data, Path | None], Source]] = {
    "digits": digits,
    "mnist": mnist,
    "cifar10": cifar10,
    "spoken_digits": spoken_digits,
    "npz": npz,
    "images": images,
    "wav": wav,
}


def load(data: Data, seed: int, data_dir: Path | None = None) -> Dataset:
    """Load, check and split the data set that the recipe names.

    An official test split stays whole; otherwise `data.test_fraction` of all samples becomes the test split. Then
    `data.validation_fraction` of what is left becomes the validation split. Last, `data.train_limit` and `data.test_limit`
    leave a part of each split. All choices are stratified and depend on `seed` alone.

    Args:
        data: The recipe's data section.
        seed: Of the splits.
        data_dir: Folder to look in for local files before downloading.

    Returns:
        float32 inputs and int64 labels; nothing is augmented.

    Raises:
        DataError: no such data, or data that would poison a training run.
        ToolError: a package that reads this data is missing.
    """
    if data_dir is not None and not data_dir.exists():
        raise DataError(f"--data-dir: nothing at {data_dir}", "name the folder that holds the files")
    source = LOADERS[data.name](data, data_dir)
    rest = checked_split("train", source.x, source.y)
    splits = {}
    if source.x_test is not None and source.y_test is not None:
        splits["test"] = checked_split("test", source.x_test, source.y_test)
    else:
        rest, splits["test"] = _divided(rest, data.test_fraction, seed, "test")
    if source.x_validation is not None and source.y_validation is not None:
        splits["validation"] = checked_split("validation", source.x_validation, source.y_validation)
    else:
        rest, splits["validation"] = _divided(rest, data.validation_fraction, seed + 1, "validation")
    splits["train"] = rest
    for name, limit in (("train", data.train_limit), ("validation", data.test_limit), ("test", data.test_limit)):
        if 0 < limit < len(splits[name].y):
            _, chosen = stratified(splits[name].y, limit / len(splits[name].y), seed + 2)
            splits[name] = checked_split(name, splits[name].x[chosen], splits[name].y[chosen])
    check_same_features(splits)
    classes = check_classes(splits, len(source.class_names) or None)
    return Dataset(
        name=data.name,
        train=splits["train"],
        validation=splits["validation"],
        test=splits["test"],
        class_names=source.class_names or tuple(str(label) for label in range(classes)),
        content_hash=content_hash(splits, source.preprocessing),
    )


def _divided(split: Split, fraction: float, seed: int, name: str) -> tuple[Split, Split]:
    """The samples to keep, and the share held out as split `name`."""
    kept, held = stratified(split.y, fraction, seed)
    taken = checked_split(name, split.x[held], split.y[held])
    return Split(np.ascontiguousarray(split.x[kept]), split.y[kept]), taken
