"""Any `.npz` archive of samples and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinykd.data.archive import read_npz, require
from tinykd.data.local import own_path
from tinykd.data.source import Array, Source
from tinykd.errors import DataError
from tinykd.recipe.model import Data

OFFICIAL = ("x_train", "y_train")
OFFERED = ("x_validation", "y_validation", "x_test", "y_test")
WHOLE = ("x", "y")
NAMES = "class_names"


def npz(data: Data, data_dir: Path | None) -> Source:
    """`x_train, y_train` (and `x_validation, y_validation`, `x_test, y_test` if they are there), or `x, y`.

    uint8 inputs are pixels and become pixel / 255; every other dtype keeps its values. [samples, height, width] gets a
    channel axis. Labels are class numbers; an optional array of strings `class_names` names them.

    Raises:
        DataError: no such file, damaged, or without these arrays.
    """
    path = own_path(data, data_dir)
    if path.is_dir():
        raise DataError(f"data.path: {path} is a folder, not an .npz archive", "name the file itself")
    arrays = read_npz(path, (*WHOLE, *OFFICIAL, *OFFERED, NAMES))
    x_name, y_name = WHOLE if "x" in arrays else OFFICIAL
    require(arrays, (x_name, y_name), path)
    for kind in ("validation", "test"):
        pair = (f"x_{kind}", f"y_{kind}")
        if any(name in arrays for name in pair):
            require(arrays, pair, path)
    # Pixels or not is a property of the data set, decided once: a split stored as float beside a uint8 one is a mistake.
    inputs = {name: arrays[name] for name in (x_name, "x_validation", "x_test") if name in arrays}
    kinds = {name: str(array.dtype) for name, array in inputs.items()}
    if "uint8" in kinds.values() and len(set(kinds.values())) > 1:
        raise DataError(
            f"{path}: " + ", ".join(f"{name} is {dtype}" for name, dtype in kinds.items()),
            "store the inputs of every split with one dtype; uint8 means pixels, divided by 255",
        )
    return Source(
        _inputs(inputs[x_name]),
        arrays[y_name],
        _inputs(inputs["x_test"]) if "x_test" in inputs else None,
        arrays.get("y_test"),
        tuple(str(name) for name in arrays[NAMES].ravel()) if NAMES in arrays else (),
        "pixel/255" if "uint8" in kinds.values() else "none",
        _inputs(inputs["x_validation"]) if "x_validation" in inputs else None,
        arrays.get("y_validation"),
    )


def _inputs(x: Array) -> Array:
    """Pixels to [0, 1], a channel axis for [samples, height, width]."""
    scaled = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x
    return scaled[..., np.newaxis] if x.ndim == 3 else scaled
