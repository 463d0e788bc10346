"""Random changes of training images, a whole batch at a time.

Order: mirror, then one affine map (rotation, zoom and translation in a single resampling, so that pixels are blurred
once), then cutout, then noise. Everything outside an image is zero. All randomness comes from the generator passed in,
and each sample draws the same amount of it whatever the values are: the same generator state gives the same batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.errors import RecipeError
from tinykd.recipe.model import Augment

Images = npt.NDArray[np.float32]

#: Images resampled in one step: their coordinates and four neighbours stay in the processor's cache.
BLOCK = 64


def augment(batch: npt.NDArray[Any], params: Augment, rng: np.random.Generator) -> Images:
    """A changed copy of `batch`; `batch` itself stays as it is.

    Args:
        batch: float32 [samples, height, width, channels]; noise alone takes any shape.
        params: The recipe's `data.augment`.
        rng: Source of every random number.

    Returns:
        float32, same shape.

    Raises:
        RecipeError: a change of geometry is asked for, and samples have no height and width.
    """
    images: Images = np.array(batch, dtype=np.float32)
    moved = params.shift or params.flip or params.rotate or params.zoom or params.cutout
    if moved and images.ndim != 4:
        raise RecipeError(
            f"data.augment: samples of shape {list(images.shape[1:])} cannot be shifted, mirrored, turned, zoomed or cut",
            "only data.augment.noise applies to samples that are not [height, width, channels]",
        )
    if params.flip:
        mirrored = rng.random(len(images)) < 0.5
        images[mirrored] = images[mirrored, :, ::-1]
    if params.rotate or params.zoom:
        images = _affine(images, params, rng)
    elif params.shift:
        images = _translated(images, params.shift, rng)
    if params.cutout:
        _cut(images, params.cutout, rng)
    if params.noise:
        images += rng.standard_normal(images.shape, dtype=np.float32) * np.float32(params.noise)
    return images


def _translated(images: Images, shift: int, rng: np.random.Generator) -> Images:
    """Each image moved by whole pixels, uniform in [-shift, shift] each way: exact copies of pixels, no interpolation."""
    n, height, width, _ = images.shape
    offsets = rng.integers(-shift, shift + 1, (2, n, 1))
    rows = np.arange(height) - offsets[0]
    columns = np.arange(width) - offsets[1]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    flat = np.clip(rows, 0, height - 1)[:, :, None] * width + np.clip(columns, 0, width - 1)[:, None, :]
    flat += (np.arange(n) * (height * width))[:, None, None]
    moved: Images = images.reshape(n * height * width, -1)[flat] * inside[..., None]
    return moved


def _affine(images: Images, params: Augment, rng: np.random.Generator) -> Images:
    """Each image turned and zoomed about its centre, then moved; bilinear, zero outside."""
    n, height, width, channels = images.shape
    angle = np.deg2rad(rng.uniform(-params.rotate, params.rotate, n))
    scale = rng.uniform(1 - params.zoom, 1 + params.zoom, n)
    offsets = rng.integers(-params.shift, params.shift + 1, (2, n))
    # The inverse map, from a pixel of the result to its source. Positive angles turn counter-clockwise as seen on screen.
    cosine = (np.cos(angle) / scale).astype(np.float32)[:, None, None]
    sine = (np.sin(angle) / scale).astype(np.float32)[:, None, None]
    centre_y, centre_x = np.float32((height - 1) / 2), np.float32((width - 1) / 2)
    y = np.arange(height, dtype=np.float32)[None, :, None] - centre_y - offsets[0].astype(np.float32)[:, None, None]
    x = np.arange(width, dtype=np.float32)[None, None, :] - centre_x - offsets[1].astype(np.float32)[:, None, None]
    # A border of zeros before and after: a source outside the image is clamped into it, so that no pixel needs a mask.
    padded = np.zeros((BLOCK, height + 3, width + 3, channels), np.float32)
    stride = width + 3
    base = (np.arange(BLOCK, dtype=np.intp) * ((height + 3) * stride))[:, None, None]
    out = np.empty_like(images)
    for start in range(0, n, BLOCK):
        block = slice(start, min(start + BLOCK, n))
        size = block.stop - block.start
        padded[:size, 1:-2, 1:-2] = images[block]
        pixels = padded.reshape(-1, channels)
        source_y = cosine[block] * y[block] + sine[block] * x[block]
        source_y += centre_y + 1
        np.clip(source_y, 0, height + 1, out=source_y)
        source_x = cosine[block] * x[block] - sine[block] * y[block]
        source_x += centre_x + 1
        np.clip(source_x, 0, width + 1, out=source_x)
        top, left = source_y.astype(np.intp), source_x.astype(np.intp)
        source_y -= top
        source_x -= left
        corner = top * stride
        corner += left
        corner += base[:size]
        down, right = source_y[..., None], source_x[..., None]
        upper = _mixed(pixels, corner, right)
        corner += stride
        lower = _mixed(pixels, corner, right)
        lower -= upper
        lower *= down
        lower += upper
        out[block] = lower
    return out


def _mixed(pixels: Images, corner: npt.NDArray[np.intp], right: Images) -> Images:
    """(1 - right) pixels[corner] + right pixels[corner + 1]."""
    left = pixels.take(corner, axis=0)
    mixed: Images = pixels.take(corner + 1, axis=0)
    mixed -= left
    mixed *= right
    mixed += left
    return mixed


def _cut(images: Images, side: int, rng: np.random.Generator) -> None:
    """One square of `side` pixels of each image set to zero, its centre uniform over the image (DeVries 2017); clipped at edges."""
    n, height, width, _ = images.shape
    first_row = rng.integers(0, height, (n, 1)) - side // 2
    first_column = rng.integers(0, width, (n, 1)) - side // 2
    rows = np.arange(height) - first_row
    columns = np.arange(width) - first_column
    erased = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[:, None, :]
    images[erased] = 0
