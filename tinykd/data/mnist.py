"""MNIST (LeCun 1998, CC BY-SA 3.0): 60,000 + 10,000 handwritten digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinykd.data.archive import read_npz, require, require_pixels
from tinykd.data.download import through_keras
from tinykd.data.local import local_file
from tinykd.data.source import Array, Source
from tinykd.recipe.model import Data

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def mnist(data: Data, data_dir: Path | None) -> Source:
    """[60000 + 10000, 28, 28, 1], pixel / 255 in [0, 1], from `mnist.npz` (Keras layout) or Keras's loader.

    Raises:
        DataError: no local file and no network, or the file is damaged.
    """
    path = local_file(data, data_dir, ("mnist.npz",))
    if path is None:
        (x, y), (x_test, y_test) = through_keras("mnist", "mnist.npz with x_train, y_train, x_test, y_test")
    else:
        arrays = read_npz(path, ARRAYS)
        require(arrays, ARRAYS, path)
        for name in ("x_train", "x_test"):
            require_pixels(arrays[name], name, (28, 28), path)
        x, y, x_test, y_test = (arrays[name] for name in ARRAYS)
    return Source(_unit(x), y, _unit(x_test), y_test, tuple("0123456789"), "pixel/255")


def _unit(images: Array) -> Array:
    """[samples, 28, 28] in 0..255 -> float32 [samples, 28, 28, 1] in [0, 1]."""
    scaled: Array = images.astype(np.float32)[..., np.newaxis] / np.float32(255)
    return scaled
