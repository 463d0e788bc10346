"""A model's variables as arrays, in the model's own order: what checkpoints hold and digests are taken of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]


def read_variables(variables: Sequence[Any]) -> Arrays:
    """Copies of the variables' values; `variables` from either Keras."""
    return [np.array(variable.numpy()) for variable in variables]


def write_variables(variables: Sequence[Any], values: Sequence[NDArray[Any]]) -> None:
    """Assign `values` to `variables`, one for one."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def weights_digest(model: Any) -> str:
    """SHA-256 (hex) of every weight's shape, dtype and bytes: equal networks, equal digests, whatever file they came from."""
    digest = hashlib.sha256()
    for value in read_variables(model.weights):
        digest.update(f"{value.shape}{value.dtype.str}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
