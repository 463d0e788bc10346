"""The teacher's outputs, computed once and memory-mapped.

A store is named by a hash of everything that it depends on: teacher, data, augmentation, number and seed of views. Another
teacher or another view is another store, so what is read is never stale. A store becomes visible by one rename, when it is
complete, and its files' hashes are checked when it is opened: two processes may fill the same store, and a damaged one is
filled again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Dataset
from tinykd.data.archive import read_npz, require
from tinykd.errors import ToolError, UnsupportedModel
from tinykd.run import file_hash

Logits = NDArray[np.float32]

_FILES = ("train.npy", "validation.npy", "test.npy")
_NAMES = ("logits_train", "logits_validation", "logits_test")


@dataclass(frozen=True)
class TeacherOutputs:
    """A teacher's logits.

    Attributes:
        train: `[views, samples, classes]`; one view where nothing is augmented, none for a teacher that runs live.
        validation: `[samples, classes]`, of plain samples.
        test: `[samples, classes]`, of plain samples.
    """

    train: Logits
    validation: Logits
    test: Logits


@dataclass(frozen=True)
class Computation:
    """How to fill a store: one array a view, then the two plain splits."""

    views: Sequence[Callable[[], Logits]]
    validation: Callable[[], Logits]
    test: Callable[[], Logits]


def open_store(root: Path, key: str, compute: Callable[[], Computation]) -> TeacherOutputs:
    """The store called `key` below `root`, filled first unless it is there and intact.

    Args:
        root: Folder of stores.
        key: Hash of everything that the outputs depend on.
        compute: Called only if the store must be filled.

    Raises:
        ToolError: the disk is full.
    """
    folder = root / key[:24]
    if not _intact(folder, key):
        _fill(root, folder, key, compute())
    train, validation, test = (np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in _FILES)
    return TeacherOutputs(train, validation, test)


def read_stored_outputs(path: Path, data: Dataset) -> TeacherOutputs:
    """Outputs that somebody else's teacher gave: an `.npz` with logits_train, logits_validation and logits_test.

    Rows are in the order of the data set's splits, `[samples, classes]` each.

    Raises:
        DataError: not such a file.
        UnsupportedModel: another number of samples or classes than the data's, or values that are not finite.
    """
    arrays = read_npz(path, _NAMES)
    require(arrays, _NAMES, path)
    splits = (data.train, data.validation, data.test)
    for name, split in zip(_NAMES, splits, strict=True):
        expected = (len(split.y), data.classes)
        if arrays[name].shape != expected or arrays[name].dtype.kind != "f":
            raise UnsupportedModel(
                f"{path}: {name} is {arrays[name].dtype} {list(arrays[name].shape)}; the data needs float {list(expected)}",
                "store one row of logits a sample, in the order of the splits that this recipe and seed give",
            )
        if not np.isfinite(arrays[name]).all():
            raise UnsupportedModel(f"{path}: {name} holds NaN or infinity", "check the teacher on a few samples")
    train, validation, test = (arrays[name].astype(np.float32) for name in _NAMES)
    return TeacherOutputs(train[np.newaxis], validation, test)


def _intact(folder: Path, key: str) -> bool:
    try:
        index = json.loads((folder / "index.json").read_text())
        return bool(index["key"] == key) and all(file_hash(folder / name) == index["files"][name] for name in _FILES)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _fill(root: Path, folder: Path, key: str, computation: Computation) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=root, prefix=".filling-"))
        try:
            validation = computation.validation()
            np.save(scratch / "validation.npy", validation, allow_pickle=False)
            _write_views(scratch / "train.npy", computation.views, validation.shape[1])
            np.save(scratch / "test.npy", computation.test(), allow_pickle=False)
            index = {"key": key, "files": {name: file_hash(scratch / name) for name in _FILES}}
            (scratch / "index.json").write_text(json.dumps(index, indent=2))
            for name in (*_FILES, "index.json"):
                with (scratch / name).open("rb") as stream:
                    os.fsync(stream.fileno())
            _put_in_place(scratch, folder, key)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise ToolError(f"cannot store teacher outputs in {root}: {error.strerror or error}", "free disk space") from error


def _write_views(path: Path, views: Sequence[Callable[[], Logits]], classes: int) -> None:
    """`[views, samples, classes]`, one view at a time in memory."""
    if not views:
        np.save(path, np.empty((0, 0, classes), np.float32), allow_pickle=False)
        return
    first = views[0]()
    stored = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(len(views), *first.shape))
    stored[0] = first
    for number, view in enumerate(views[1:], start=1):
        stored[number] = view()
    stored.flush()


def _put_in_place(scratch: Path, folder: Path, key: str) -> None:
    """Rename; if another process was faster its store is as good as ours, and if what is there is damaged it goes away."""
    if folder.exists() and not _intact(folder, key):
        shutil.rmtree(folder)
    try:
        scratch.rename(folder)
    except OSError:
        if not _intact(folder, key):
            raise
