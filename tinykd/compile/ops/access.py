"""In which order kernels read and write, as the one number that lets an output overwrite its input.

A kernel writes its output from the first byte to the last. It may do so over its input if every byte it writes lies below
every input byte that it reads later. With the output at offset O and the input at I that is I - O >= distance, where

    distance = max over writes w of (w + 1 - lowest input byte read after w),    at least 0.

The functions here compute it from the loops of the kernels; `tests/firmware/test_access.py` traces the kernels themselves.
"""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops.window import Axis


def distance(writes: Array, lowest_read_after: Array) -> int:
    """The distance of a kernel that has written bytes below `writes`[k] when it may still read from `lowest_read_after`[k] on."""
    return max(0, int(np.max(writes - lowest_read_after, initial=0)))


def elementwise(in_bytes: int, out_bytes: int, elements: int) -> int:
    """Element i is read once, before element i is written; sizes of one element in bytes."""
    done = np.arange(1, elements + 1, dtype=np.int64)
    return distance(done[:-1] * out_bytes, done[:-1] * in_bytes)


def rows(count: int, in_bytes: int, out_bytes: int, item: int = 1) -> int:
    """Each row of `in_bytes` is read again for every output `item` of its row of `out_bytes`."""
    done = np.arange(count, dtype=np.int64)
    within = distance(done * out_bytes + max(out_bytes - item, 0), done * in_bytes)
    return max(within, distance(done[1:] * out_bytes, done[1:] * in_bytes))


def window(batch: int, vertical: Axis, horizontal: Axis, in_bytes: int, out_bytes: int, within: int) -> int | None:
    """A window that slides over an image, all channels of a pixel before the next one.

    Args:
        in_bytes, out_bytes: of one pixel, all channels.
        within: the most bytes of a pixel that are written, less the first byte of the window that is read after them.

    Returns:
        None for several images, whose order is not worth a formula.
    """
    if batch != 1:
        return None
    rows_start, columns_start = _starts(vertical), _starts(horizontal)
    start = ((rows_start[:, None] * horizontal.input + columns_start[None, :]) * in_bytes).ravel()
    after = np.minimum.accumulate(start[::-1])[::-1]  # the lowest byte that this pixel or a later one reads
    pixel = np.arange(start.size, dtype=np.int64)
    return max(distance(pixel * out_bytes + within, start), distance(pixel[1:] * out_bytes, after[1:]))


def windows_together(vertical: Axis, horizontal: Axis, in_bytes: int, out_bytes: int, together: int) -> int:
    """A window that slides over one image; `together` pixels' windows are read whole, then all channels of these pixels written.

    Args:
        in_bytes, out_bytes: of one pixel, all channels.
    """
    rows_start, columns_start = _starts(vertical), _starts(horizontal)
    start = ((rows_start[:, None] * horizontal.input + columns_start[None, :]) * in_bytes).ravel()
    after = np.minimum.accumulate(start[::-1])[::-1][together::together]  # the lowest byte that a later group reads
    done = np.arange(1, after.size + 1, dtype=np.int64) * together
    return distance(done * out_bytes, after)


def every_channel(out_bytes: int, item: int) -> int:
    """`within` where each output element of `item` bytes reads the whole window."""
    return out_bytes - item


def own_channel(out_channels: int, multiplier: int, item: int) -> int:
    """`within` where output channel c reads only channel c // multiplier of the window."""
    return item * (out_channels - 1 - (out_channels - 1) // multiplier)


def _starts(axis: Axis) -> Array:
    """The first position that each window reads: its first tap that lies inside."""
    origin = np.arange(axis.output, dtype=np.int64) * axis.stride - axis.pad
    return np.minimum(np.where(origin < 0, origin % axis.dilation, origin), axis.input)
