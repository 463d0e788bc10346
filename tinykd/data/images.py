"""Any folder of images, one sub-folder a class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinykd.data.class_folders import Listing, class_folders
from tinykd.data.local import own_path
from tinykd.data.source import Array, Source
from tinykd.errors import DataError, ToolError
from tinykd.recipe.model import Data

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
#: Decoders that may run on files from anywhere; Pillow knows more, some of which start other programs.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")
GREY = ("1", "L", "LA")


def images(data: Data, data_dir: Path | None) -> Source:
    """[samples, height, width, 1 or 3], pixel / 255 in [0, 1].

    One channel if every image is grey, else three. Images of different sizes need `data.image_size`; resizing is
    bilinear with antialiasing. Of an animation the first frame is read; transparency is dropped.

    Raises:
        DataError: no such folder, an image that does not decode, or images of different sizes.
        ToolError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ToolError("Pillow, which decodes images, is not installed", "pip install 'tinykd[train]'") from None
    folders = class_folders(own_path(data, data_dir), SUFFIXES)
    listings = [listing for listing in (folders.train, folders.test, folders.validation) if listing is not None]
    mode = "L" if all(_grey(Image, file) for listing in listings for file in listing.files) else "RGB"
    size = data.image_size or _size(Image, folders.train.files[0])

    def read(listing: Listing | None) -> Array | None:
        return None if listing is None else _pixels(Image, listing.files, mode, size, resize=data.image_size is not None)

    train = read(folders.train)
    assert train is not None
    return Source(
        train,
        folders.train.y,
        read(folders.test),
        None if folders.test is None else folders.test.y,
        folders.class_names,
        f"{mode} {size[0]}x{size[1]} pixel/255",
        read(folders.validation),
        None if folders.validation is None else folders.validation.y,
    )


def _grey(image_module: Any, file: Path) -> bool:
    with _opened(image_module, file) as image:
        return image.mode in GREY


def _size(image_module: Any, file: Path) -> tuple[int, int]:
    """(height, width)."""
    with _opened(image_module, file) as image:
        return image.height, image.width


def _opened(image_module: Any, file: Path) -> Any:
    try:
        return image_module.open(file, formats=FORMATS)
    except (OSError, ValueError, image_module.DecompressionBombError) as error:
        raise DataError(f"{file} is not an image: {error}", f"supported are {', '.join(FORMATS)}") from None


def _pixels(image_module: Any, files: tuple[Path, ...], mode: str, size: tuple[int, int], *, resize: bool) -> Array:
    """float32 [files, height, width, channels] in [0, 1]."""
    height, width = size
    pixels = np.empty((len(files), height, width, len(mode)), np.float32)
    for index, file in enumerate(files):
        with _opened(image_module, file) as image:
            try:
                decoded = image.convert(mode)
            except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
                raise DataError(f"{file} does not decode: {error}", "replace or remove it") from None
            if resize:
                decoded = decoded.resize((width, height), image_module.Resampling.BILINEAR)
            if decoded.size != (width, height):
                raise DataError(
                    f"{file} is {decoded.height}x{decoded.width}, {files[0]} is {height}x{width}",
                    f"set data.image_size = [{height}, {width}] to resize all images",
                )
            pixels[index] = np.asarray(decoded, dtype=np.float32).reshape(height, width, len(mode))
    pixels /= np.float32(255)
    return pixels
