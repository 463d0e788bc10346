"""Two 4-bit integers a byte, the low nibble first, as `.tflite` files and kernels hold int4 weights."""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Array


def pack(values: Array) -> Array:
    """Integers from -8 to 7 of any shape to uint8 [(elements + 1) // 2]; an odd last nibble is followed by 0."""
    flat = values.ravel().astype(np.uint8) & 15
    even = np.zeros(flat.size + flat.size % 2, np.uint8)
    even[: flat.size] = flat
    return np.asarray(even[0::2] | even[1::2] << 4, np.uint8)


def unpack(raw: Array, elements: int) -> Array:
    """The first `elements` nibbles of bytes as int8 from -8 to 7."""
    nibbles = np.stack([raw & 15, raw >> 4], axis=1).ravel()[:elements]
    return ((nibbles ^ 8).astype(np.int8) - 8).astype(np.int8)
