"""A folder of class folders, or of train/, test/ and validation/ folders of class folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinykd.errors import DataError


@dataclass(frozen=True)
class Listing:
    """The files of one split.

    Args:
        files: In the order of classes, then of names.
        labels: One class number a file.
    """

    files: tuple[Path, ...]
    labels: tuple[int, ...]

    @property
    def y(self) -> npt.NDArray[np.int64]:
        """int64 [files], the class numbers."""
        return np.array(self.labels, dtype=np.int64)


@dataclass(frozen=True)
class ClassFolders:
    """What a folder holds; `test` and `validation` are None where there is no such folder."""

    class_names: tuple[str, ...]
    train: Listing
    test: Listing | None
    validation: Listing | None


def class_folders(root: Path, suffixes: Sequence[str]) -> ClassFolders:
    """The files below `root` by class: the sub-folders' names, sorted, are the classes.

    If `root` holds a folder `train`, its sub-folders are the classes, and folders `test` and `validation` beside it are
    those splits. Hidden files and files with other suffixes are passed over; links are followed.

    Args:
        root: The folder.
        suffixes: Lower-case suffixes of the files that are samples, with the dot.

    Raises:
        DataError: no folder, fewer than two classes, a class without files, or a class that only the test split has.
    """
    if not root.is_dir():
        raise DataError(f"data.path: {root} is not a folder", "name the folder that holds one folder a class")
    train = root / "train" if (root / "train").is_dir() else root
    class_names = tuple(_folders(train))
    if len(class_names) < 2:
        raise DataError(
            f"{train} holds {len(class_names)} class folders, and a classifier needs two", "put the samples of each class in a folder"
        )
    splits = {
        kind: _listing(root / kind, class_names, suffixes) if train != root and (root / kind).is_dir() else None
        for kind in ("test", "validation")
    }
    for name in class_names:
        if not _files(train / name, suffixes):
            raise DataError(f"{train / name} holds no {' or '.join(suffixes)} file", "add samples of this class or remove the folder")
    return ClassFolders(class_names, _listing(train, class_names, suffixes), splits["test"], splits["validation"])


def _listing(folder: Path, class_names: tuple[str, ...], suffixes: Sequence[str]) -> Listing:
    unknown = [name for name in _folders(folder) if name not in class_names]
    if unknown:
        raise DataError(f"{folder / unknown[0]}: the train split has no class {unknown[0]}", f"its classes are {', '.join(class_names)}")
    found = [(file, label) for label, name in enumerate(class_names) for file in _files(folder / name, suffixes)]
    return Listing(tuple(file for file, _ in found), tuple(label for _, label in found))


def _folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())
