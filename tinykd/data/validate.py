"""Checks before training: data that would waste or poison a run is named, down to the first bad sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.data.dataset import Split
from tinykd.errors import DataError

Array = npt.NDArray[Any]

#: Samples looked at in one step, so that checking 60,000 images needs no second copy of them.
BLOCK = 4096


def checked_split(name: str, x: Array, y: Array) -> Split:
    """Raw arrays as a `Split`.

    Args:
        name: Of the split, for messages: "train", "validation" or "test".
        x: [samples, *features], any floating or integer dtype; finite.
        y: [samples] or [samples, 1], integers.

    Raises:
        DataError: empty, lengths differ, wrong rank, wrong dtype, NaN or infinity.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim < 2:
        raise DataError(
            f"{name} split: x has shape {list(x.shape)}, which is not [samples, features...]", "store one row (or image) a sample"
        )
    if len(x) == 0:
        raise DataError(f"{name} split: no samples", "add samples, or change data.validation_fraction and data.test_fraction")
    if 0 in x.shape:
        raise DataError(f"{name} split: x has shape {list(x.shape)}: samples are empty", "store at least one feature a sample")
    if x.dtype.kind not in "fiu":
        raise DataError(f"{name} split: x has dtype {x.dtype}, which is not a number", "store x as float32 or uint8")
    return Split(_finite(name, x), _integers(name, y, len(x)))


def check_classes(splits: dict[str, Split], classes: int | None) -> int:
    """The number of classes: `classes`, or one more than the largest training label.

    Args:
        splits: Checked splits; "train" is among them.
        classes: Known from class names, or None.

    Raises:
        DataError: one class, a class without training samples, or a label out of range.
    """
    train = splits["train"].y
    found = np.unique(train)
    if len(found) == 1 and classes in (None, 1):
        raise DataError(f"train split: every label is {found[0]}", "a classifier needs samples of at least two classes")
    count = int(found[-1]) + 1 if classes is None else classes
    for name, split in splits.items():
        wrong = np.flatnonzero((split.y < 0) | (split.y >= count))
        if len(wrong):
            raise DataError(
                f"{name} split: sample {wrong[0]} has label {split.y[wrong[0]]}, outside 0..{count - 1} ({len(wrong)} such samples)",
                "number the classes from 0 without gaps; every class needs training samples",
            )
    missing = np.setdiff1d(np.arange(min(count, len(found) + 1)), found)
    if len(missing):
        raise DataError(
            f"train split: class {missing[0]} of {count} has no sample; labels reach {found[-1]}",
            "number the classes from 0 without gaps, and give each at least one training sample",
        )
    return count


def check_same_features(splits: dict[str, Split]) -> None:
    """Samples of all splits have one shape.

    Raises:
        DataError: they differ.
    """
    expected = splits["train"].x.shape[1:]
    for name, split in splits.items():
        if split.x.shape[1:] != expected:
            raise DataError(
                f"{name} split: samples have shape {list(split.x.shape[1:])}, those of the train split {list(expected)}",
                "give every split the same preprocessing",
            )


def _finite(name: str, x: Array) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinity and is reported as such
        values = np.ascontiguousarray(x, dtype=np.float32)
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        bad = ~np.isfinite(block.reshape(len(block), -1)).all(axis=1)
        if bad.any():
            index = start + int(np.flatnonzero(bad)[0])
            sample = values[index]
            kind = "NaN" if np.isnan(sample).any() else "an infinity"
            raise DataError(f"{name} split: sample {index} holds {kind}", "repair or remove it; integers and finite floats are accepted")
    return values


def _integers(name: str, y: Array, samples: int) -> npt.NDArray[np.int64]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        hint = "store class numbers, for one-hot rows y.argmax(axis=1)" if y.ndim == 2 else "store one class number a sample"
        raise DataError(f"{name} split: y has shape {list(y.shape)}, not [samples]", hint)
    if len(y) != samples:
        raise DataError(f"{name} split: {samples} samples but {len(y)} labels", "give x and y the same length")
    if y.dtype.kind not in "iu":
        fraction = np.flatnonzero(y != np.floor(y)) if y.dtype.kind == "f" else np.zeros(0, int)
        where = f"; sample {fraction[0]} has label {y[fraction[0]]}" if len(fraction) else ""
        raise DataError(f"{name} split: labels have dtype {y.dtype}, not integers{where}", 'store them as y.astype("int64")')
    if y.dtype.kind == "u" and int(y.max()) > np.iinfo(np.int64).max:
        raise DataError(f"{name} split: sample {int(y.argmax())} has label {y.max()}", "number the classes from 0 without gaps")
    return y.astype(np.int64)
