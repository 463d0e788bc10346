"""Finding the local file of a named data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinykd.errors import DataError
from tinykd.recipe.model import Data


def local_file(data: Data, data_dir: Path | None, names: Sequence[str]) -> Path | None:
    """The file or folder to read: `data.path`, or the first of `names` below it or below `data_dir`; None if there is none.

    Raises:
        DataError: `data.path` is given but not there.
    """
    folders = [data_dir] if data_dir is not None else []
    if data.path is not None:
        path = own_path(data, data_dir)
        if path.is_file():
            return path
        folders = [path]
    found = [folder / name for folder in folders for name in names if (folder / name).exists()]
    if not found and data.path is not None:
        raise DataError(f"{folders[0]} holds none of {', '.join(names)}", f"put {names[0]} there or correct data.path")
    return found[0] if found else None


def own_path(data: Data, data_dir: Path | None) -> Path:
    """`data.path`, relative to `data_dir` if it is there, else to the working directory.

    Raises:
        DataError: not given, or nothing is there.
    """
    if data.path is None:
        if data_dir is not None and data_dir.exists():
            return data_dir
        raise DataError(f"data set {data.name} needs data.path", "name the file or folder in the recipe, or pass --data-dir")
    candidates = ([data_dir / data.path] if data_dir is not None else []) + [Path(data.path).expanduser()]
    for path in candidates:
        if path.exists():
            return path
    raise DataError(f"data.path: nothing at {candidates[-1]}", "correct data.path in the recipe, or pass --data-dir")
