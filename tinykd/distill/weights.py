"""A model's variables as arrays, in the model's own order: what checkpoints hold."""

from __future__ import annotations

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
