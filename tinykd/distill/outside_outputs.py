"""Teacher outputs that somebody else computed, with NumPy alone: `docs/teacher_outputs.md` describes the format.

An `.npz`, or a folder of `.npy` files (memory-mapped, so they may be larger than memory), with the arrays

    logits_train, logits_validation, logits_test     [samples, classes]
    features_train_LAYER                             [samples, ...]          any number of layers, or none

in float16, float32 or float64. Rows are in the order of the data set's splits.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Dataset
from tinykd.data.archive import DAMAGE, read_npz, require
from tinykd.distill.layout import Layout, channels_last
from tinykd.distill.stored_array import StoredArray, Whole
from tinykd.distill.tap import LOGITS
from tinykd.distill.teacher_outputs import TeacherOutputs
from tinykd.errors import DataError, UnsupportedModel

NAMES = ("logits_train", "logits_validation", "logits_test")
FEATURES = "features_train_"

#: Samples of an array that are looked through at once.
CHUNK_SAMPLES = 4096


def is_outputs(path: Path) -> bool:
    """Whether `path` is an `.npz`, or a folder that holds stored outputs."""
    return (path / f"{NAMES[0]}.npy").is_file() if path.is_dir() else path.suffix.lower() == ".npz"


def read_stored_outputs(path: Path, data: Dataset, layout: Layout = "channels_last") -> TeacherOutputs:
    """The outputs at `path`, checked against the data.

    Args:
        path: An `.npz` or a folder.
        data: Whose splits they are of.
        layout: Of maps in the file; they are read channels last.

    Raises:
        DataError: not such a file.
        UnsupportedModel: another number of samples or classes than the data's, or values that are not finite.
    """
    arrays = _read_folder(path) if path.is_dir() else _read_archive(path)
    require(arrays, NAMES, path)
    for name, split in zip(NAMES, (data.train, data.validation, data.test), strict=True):
        _check(path, name, arrays[name], (len(split.y), data.classes))
    train: dict[str, StoredArray] = {}
    for name, array in arrays.items():
        if name.startswith(FEATURES):
            _check(path, name, array, (len(data.train.y), *array.shape[1:]))
            train[name.removeprefix(FEATURES)] = Whole(channels_last(array, layout)[np.newaxis])
    train[LOGITS] = Whole(arrays[NAMES[0]].astype(np.float32)[np.newaxis])  # the last layer, as in a network
    return TeacherOutputs(train, arrays[NAMES[1]].astype(np.float32), arrays[NAMES[2]].astype(np.float32))


def _read_archive(path: Path) -> dict[str, NDArray[Any]]:
    return read_npz(path, [*NAMES, *_archived_features(path)])


def _archived_features(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield from (name.removesuffix(".npy") for name in archive.namelist() if name.startswith(FEATURES))
    except DAMAGE as error:
        raise DataError(f"cannot read {path}: {error}", "store plain numeric arrays with numpy.savez") from None


def _read_folder(path: Path) -> dict[str, NDArray[Any]]:
    try:
        files = [path / f"{name}.npy" for name in NAMES] + sorted(path.glob(f"{FEATURES}*.npy"))
        return {file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in files if file.is_file()}
    except DAMAGE as error:
        raise DataError(f"cannot read {path}: {error}", "store plain numeric arrays with numpy.save") from None


def _check(path: Path, name: str, array: NDArray[Any], expected: tuple[int, ...]) -> None:
    if array.shape != expected or array.ndim < 2 or array.dtype.kind != "f":
        raise UnsupportedModel(
            f"{path}: {name} is {array.dtype} {list(array.shape)}; the data needs float {list(expected)}",
            "store one row a sample, in the order of the splits that this recipe and seed give",
        )
    if not all(np.isfinite(array[start : start + CHUNK_SAMPLES]).all() for start in range(0, len(array), CHUNK_SAMPLES)):
        raise UnsupportedModel(f"{path}: {name} holds NaN or infinity", "check the teacher on a few samples")
