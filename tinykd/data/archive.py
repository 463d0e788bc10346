"""Reading `.npz` archives that may come from anywhere: nothing in them is executed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.errors import DataError

#: What NumPy and zipfile raise when bytes are missing or wrong.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays called `names` that `path` holds; absent ones are left out.

    Raises:
        DataError: not an .npz, damaged, or an array holds Python objects.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise DataError(f"{path} is one array, not an .npz archive", "store x and y with numpy.savez")
        with archive:
            return {name: archive[name] for name in names if name in archive.files}
    except DAMAGE as error:
        reason = "it holds Python objects, which are not read" if "pickle" in str(error).lower() else str(error)
        raise DataError(f"cannot read {path}: {reason}", "store plain numeric arrays with numpy.savez") from None


def require(arrays: dict[str, npt.NDArray[Any]], names: Sequence[str], path: Path) -> None:
    """Fail unless every one of `names` was found.

    Raises:
        DataError: one is missing.
    """
    missing = [name for name in names if name not in arrays]
    if missing:
        raise DataError(f"{path} holds no array called {missing[0]}", f"store {', '.join(names)} with numpy.savez")


def require_pixels(array: npt.NDArray[Any], name: str, shape: tuple[int, ...], path: Path) -> None:
    """Fail unless `array` is uint8 [samples, *shape].

    Raises:
        DataError: another dtype or shape.
    """
    if array.dtype != np.uint8 or array.shape[1:] != shape or array.ndim != len(shape) + 1:
        wanted = f"uint8 [samples, {', '.join(map(str, shape))}]"
        raise DataError(
            f"{path}: {name} is {array.dtype} {list(array.shape)}, not {wanted}", 'for other images use data.name = "npz" and data.path'
        )
