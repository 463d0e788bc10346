"""What a loader hands over: preprocessed arrays, before labels are checked and splits are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Source:
    """Arrays of one data set.

    Args:
        x: [samples, *features], training samples, or all samples when `x_test` is None.
        y: [samples], their labels.
        x_test: The official test split, if there is one.
        y_test: Its labels.
        class_names: One name a class, or empty: the labels' own numbers.
        preprocessing: What was done to the raw values, with its parameters; part of the content hash.
        x_validation: An official validation split, if there is one.
        y_validation: Its labels.
    """

    x: Array
    y: Array
    x_test: Array | None = None
    y_test: Array | None = None
    class_names: tuple[str, ...] = ()
    preprocessing: str = "none"
    x_validation: Array | None = None
    y_validation: Array | None = None
