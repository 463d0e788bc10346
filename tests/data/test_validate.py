"""Data that would waste or poison a training run is refused, with split, sample and what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinykd.data.dataset import Split
from tinykd.data.validate import check_classes, check_same_features, checked_split
from tinykd.errors import DataError

X = np.ones((6, 2, 2, 1), np.float32)
Y = np.array([0, 1, 2, 0, 1, 2])


def with_value(value: float, dtype: Any = np.float32) -> np.ndarray:
    x = X.astype(dtype)
    x[4, 1, 0, 0] = value
    return x


def test_good_arrays_become_float32_and_int64() -> None:
    split = checked_split("train", np.arange(12, dtype=np.uint8).reshape(6, 2), Y.astype(np.uint8)[:, None])
    assert (split.x.dtype, split.y.dtype, split.y.shape) == (np.float32, np.int64, (6,))
    assert split.x.tolist() == np.arange(12).reshape(6, 2).tolist()
    assert split.y.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (with_value(np.nan), Y, "test split: sample 4 holds NaN"),
        (with_value(-np.inf), Y, "test split: sample 4 holds an infinity"),
        (with_value(1e39, np.float64), Y, "test split: sample 4 holds an infinity"),
        (X[:0], Y[:0], "test split: no samples"),
        (np.ones((6, 0, 3)), Y, r"test split: x has shape \[6, 0, 3\]"),
        (np.ones(6), Y, r"test split: x has shape \[6\]"),
        (X.astype(complex), Y, "test split: x has dtype complex128"),
        (X.astype(str), Y, "test split: x has dtype <U"),
        (X.astype(bool), Y, "test split: x has dtype bool"),
        (X, Y[:5], "test split: 6 samples but 5 labels"),
        (X, Y + 0.5, "test split: labels have dtype float64, not integers; sample 0 has label 0.5"),
        (X, np.array([0, 1, np.nan, 0, 1, 2]), "labels have dtype float64, not integers; sample 2 has label nan"),
        (X, Y.astype(float), "test split: labels have dtype float64"),
        (X, np.eye(3)[Y], r"test split: y has shape \[6, 3\]"),
        (X, Y.astype(str), "test split: labels have dtype <U"),
        (X, np.array([0, 1, 2, 2**64 - 1, 1, 0], np.uint64), "test split: sample 3 has label 18446744073709551615"),
    ],
)
def test_bad_arrays_are_refused(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        checked_split("test", x, y)
    assert caught.value.hint
    assert caught.value.exit_code == 6


def test_bad_sample_is_found_beyond_the_first_block() -> None:
    x = np.zeros((10_000, 3), np.float32)
    x[9_876, 2] = np.nan
    with pytest.raises(DataError, match="sample 9876 holds NaN"):
        checked_split("train", x, np.zeros(10_000, np.int64))


def splits(train: list[int], test: list[int]) -> dict[str, Split]:
    return {name: Split(np.ones((len(y), 2), np.float32), np.array(y, np.int64)) for name, y in (("train", train), ("test", test))}


def test_classes_are_counted_from_training_labels() -> None:
    assert check_classes(splits([2, 0, 1], [1]), None) == 3
    assert check_classes(splits([2, 0, 1], [1]), 3) == 3


@pytest.mark.parametrize(
    ("train", "test", "classes", "message"),
    [
        ([3, 3, 3], [3], None, "train split: every label is 3"),
        ([0, 1, 0], [1, 0, 7, 8], None, r"test split: sample 2 has label 7, outside 0\.\.1 \(2 such samples\)"),
        ([0, 1, -1], [1], None, r"train split: sample 2 has label -1, outside 0\.\.1"),
        ([0, 1, 3], [1], None, "train split: class 2 of 4 has no sample"),
        ([0, 1, 2**62], [1], None, "train split: class 2 of"),
        ([0, 1], [1], 3, "train split: class 2 of 3 has no sample"),
        ([0, 1, 2], [1], 2, r"train split: sample 2 has label 2, outside 0\.\.1"),
    ],
)
def test_bad_labels_are_refused(train: list[int], test: list[int], classes: int | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_classes(splits(train, test), classes)


def test_splits_of_different_shape_are_refused() -> None:
    pair = {"train": Split(np.ones((2, 8, 8, 1), np.float32), Y[:2]), "test": Split(np.ones((2, 8, 8, 3), np.float32), Y[:2])}
    with pytest.raises(DataError, match=r"test split: samples have shape \[8, 8, 3\], those of the train split \[8, 8, 1\]"):
        check_same_features(pair)
