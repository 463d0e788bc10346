"""Data sets that Keras itself downloads and checks."""

from __future__ import annotations

import importlib
from typing import Any

from tinykd.data.source import Array
from tinykd.errors import DataError, ToolError

Pair = tuple[Array, Array]


def through_keras(name: str, layout: str) -> tuple[Pair, Pair]:
    """`keras.datasets.NAME.load_data()`: ((x_train, y_train), (x_test, y_test)), uint8.

    Args:
        name: Module of `keras.datasets`.
        layout: The file to put in place by hand, for the message when there is no network.

    Raises:
        ToolError: Keras is not installed.
        DataError: the download failed.
    """
    try:
        module: Any = importlib.import_module(f"keras.datasets.{name}")
    except ImportError:
        raise ToolError(f"{name} is downloaded by Keras, which is not installed", "pip install 'tinykd[train]'") from None
    try:
        loaded: tuple[Pair, Pair] = module.load_data()
    except Exception as error:  # Keras raises a bare Exception when the network fails
        raise DataError(
            f"{name} is not here and cannot be downloaded: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
            f"put {layout} into a folder and pass --data-dir FOLDER",
        ) from None
    return loaded
