"""A model's variables as arrays, in the model's own order: what checkpoints hold, and files of variables alone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.run import write_atomically

Arrays = list[NDArray[Any]]


def read_variables(variables: Sequence[Any]) -> Arrays:
    """Copies of the variables' values; `variables` from either Keras."""
    return [np.array(variable.numpy()) for variable in variables]


def write_variables(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    """Assign `values` to `variables`, one for one."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def save_arrays(path: Path, values: Arrays) -> None:
    """Write `values` as an `.npz`, atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, **{f"{index:05d}": value for index, value in enumerate(values)})  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def load_arrays(path: Path) -> Arrays:
    """What `save_arrays` wrote, in its order."""
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in sorted(archive.files)]
