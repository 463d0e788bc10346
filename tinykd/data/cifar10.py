"""CIFAR-10 (Krizhevsky 2009): 50,000 + 10,000 colour images."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np

from tinykd.data.archive import read_npz, require, require_pixels
from tinykd.data.download import through_keras
from tinykd.data.local import local_file
from tinykd.data.source import Array, Source
from tinykd.errors import DataError, ToolError
from tinykd.recipe.model import Data

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
JPEG_ARRAYS = ("jpeg_train", "offsets_train", "y_train", "jpeg_test", "offsets_test", "y_test")
SIDE = 32


def cifar10(data: Data, data_dir: Path | None) -> Source:
    """[50000 + 10000, 32, 32, 3], pixel / 255 in [0, 1].

    From `cifar10.npz` (x_train, y_train, x_test, y_test), `cifar10_jpeg.npz` (JPEG files end to end: file i of a split is
    bytes offsets[i]:offsets[i + 1]), or Keras's loader.

    Raises:
        DataError: no local file and no network, or the file is damaged.
        ToolError: Pillow, which decodes JPEG, is not installed.
    """
    path = local_file(data, data_dir, ("cifar10.npz", "cifar10_jpeg.npz"))
    if path is None:
        (x, y), (x_test, y_test) = through_keras("cifar10", "cifar10.npz with x_train, y_train, x_test, y_test")
        return Source(_unit(x), y, _unit(x_test), y_test, CLASSES, "pixel/255")
    arrays = read_npz(path, ARRAYS + JPEG_ARRAYS)
    if "jpeg_train" in arrays:
        require(arrays, JPEG_ARRAYS, path)
        x = _decoded(arrays["jpeg_train"], arrays["offsets_train"], path)
        x_test = _decoded(arrays["jpeg_test"], arrays["offsets_test"], path)
    else:
        require(arrays, ARRAYS, path)
        for name in ("x_train", "x_test"):
            require_pixels(arrays[name], name, (SIDE, SIDE, 3), path)
        x, x_test = arrays["x_train"], arrays["x_test"]
    return Source(_unit(x), arrays["y_train"], _unit(x_test), arrays["y_test"], CLASSES, "pixel/255")


def _unit(images: Array) -> Array:
    """[samples, 32, 32, 3] in 0..255 -> float32 in [0, 1]."""
    scaled = images.astype(np.float32)
    scaled /= np.float32(255)
    return scaled


def _decoded(jpeg: Array, offsets: Array, path: Path) -> Array:
    """uint8 [samples, 32, 32, 3] from JPEG files end to end."""
    try:
        from PIL import Image
    except ImportError:
        raise ToolError("Pillow, which decodes JPEG, is not installed", "pip install 'tinykd[train]'") from None
    stream = np.ascontiguousarray(jpeg, dtype=np.uint8).reshape(-1).data
    if offsets.ndim != 1 or offsets.dtype.kind not in "iu" or len(offsets) < 2:
        raise DataError(f"{path}: offsets are {offsets.dtype} {list(offsets.shape)}, not integers [files + 1]", "pack the JPEG files again")
    ends = [int(offset) for offset in offsets]
    images = np.empty((len(ends) - 1, SIDE, SIDE, 3), np.uint8)
    for index, (start, end) in enumerate(itertools.pairwise(ends)):
        try:
            with Image.open(io.BytesIO(stream[start:end]), formats=("JPEG",)) as image:
                if image.size != (SIDE, SIDE):
                    raise DataError(f"{path}: image {index} is {image.size}, not 32x32", "pack the original 32x32 images")
                images[index] = np.asarray(image.convert("RGB"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: image {index} does not decode: {error}", "pack the JPEG files again") from None
    return images
