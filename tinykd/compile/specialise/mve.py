"""CONV_2D and FULLY_CONNECTED with Helium, the vectors of Cortex-M55 and M85: sixteen products an instruction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from tinykd.compile.fixed_point import Int64, requantize, requantize_once
from tinykd.compile.graph import Array
from tinykd.compile.ops import access
from tinykd.compile.ops import conv_2d as portable_conv_2d
from tinykd.compile.ops import fully_connected as portable_dense
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.ops.weighted import Weighted, magnitudes
from tinykd.compile.ops.window import Axis
from tinykd.compile.specialise.short import LARGEST_SHORT, shortened

BYTES, QUAD = 16, 4
"""Bytes of a vector; channels that are requantized together, one in each word of it."""

_BEYOND = 1 << 10
"""Farther than any output lies from its zero point."""

Layer = TypeVar("Layer", bound=Weighted)

_REQUANTIZE = {"single": requantize_once, "double": requantize}
"""By rounding."""


def with_right_shifts(p: Layer, axis: int, rounding: str = "double") -> Layer | None:
    """`p` with shifts of 1 to 31 to the right, noted as -1 to -31; None if that cannot be.

    A filter of zeros gives a constant, whatever scale and bias the converter noted for it; the constant gets others.

    Args:
        axis: of the weights, the output channels.
    """
    constant = magnitudes(p, axis) == 0
    if ((p.shifts > -1) & ~constant).any():
        return None
    values = np.clip(_REQUANTIZE[rounding](p.bias, p.multipliers, p.shifts), -_BEYOND, _BEYOND)
    # 4k * 2^30 / 2^31 is 2k, and 2k shifted by 1 is k
    return replace(
        p,
        bias=np.where(constant, 4 * values, p.bias).astype(np.int32),
        multipliers=np.where(constant, 1 << 30, p.multipliers).astype(np.int32),
        shifts=np.where(constant, -1, np.maximum(p.shifts, -31)).astype(np.int32),
    )


def scaling(p: Weighted, filters: Array) -> Table:
    """[channels / 4, 3, 4] biases less the input's zero point times each filter's sum, multipliers, shifts.

    The bias may leave 32 bits, as sums of raw inputs may; the two together never do.

    Args:
        filters: [channels, values].
    """
    moved = p.bias.astype(np.int64) - p.input_zero_point * filters.astype(np.int64).sum(axis=1)
    wrapped = (moved + (1 << 31)) % (1 << 32) - (1 << 31)
    rows = np.stack([wrapped, p.multipliers.astype(np.int64), p.shifts.astype(np.int64)], axis=1)
    return Table("int32_t", _quads(rows).transpose(0, 2, 1))


def _quads(rows: Int64) -> Int64:
    """[channels, values] as [channels / 4, 4, values], zeros at the end."""
    padded = np.pad(rows, ((0, -len(rows) % QUAD), (0, 0)))
    return np.asarray(padded.reshape(-1, QUAD, rows.shape[1]), np.int64)


def chunked(filters: Array) -> Int64:
    """[channels, values] as [channels / 4, 4, values / 16, 16], zeros at the ends."""
    padded = np.pad(filters.astype(np.int64), ((0, 0), (0, -filters.shape[1] % BYTES)))
    return np.asarray(_quads(padded).reshape(-(-len(filters) // QUAD), QUAD, -1, BYTES), np.int64)


def fully_connected(p: Any) -> Call | None:
    """Any shape; rounded once only where no sum lies between two outputs, as the instructions round such sums up."""
    return _fully_connected(p, _depth)


def small_fully_connected(p: Any) -> Call | None:
    """The same by one kernel for all layers but the smallest."""
    return _fully_connected(p, lambda depth: "short_" if depth < BYTES else "")


def _fully_connected(p: Any, named: Callable[[int], str]) -> Call | None:
    if not isinstance(p, FullyConnected) or p.scheme.suffix != "s8":
        return None
    shifted = with_right_shifts(p, 0, p.rounding)
    if shifted is None or (p.rounding == "single" and _ties(shifted)):
        return None
    channels, depth = p.weights.shape
    (distance,) = portable_dense.distances(p)
    return Call(
        function=f"tinykd_fully_connected_{p.rounding}_{named(int(depth))}mve_s8",
        struct="tinykd_fully_connected_mve",
        fields={
            "rows": p.rows,
            "depth": int(depth),
            "channels": int(channels),
            "output_zero_point": p.output_zero_point,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", chunked(p.weights).transpose(0, 2, 1, 3)),
            "scaling": scaling(shifted, p.weights),
        },
        source="mve/fully_connected.c",
        distances=(distance,),
    )


def _depth(depth: int) -> str:
    """Which depths the kernel takes, in its name."""
    if depth < BYTES:
        return "short_"
    return "" if depth % (4 * BYTES) else "blocks_"


def _ties(p: FullyConnected) -> bool:
    """Some negative sum may lie exactly between two outputs: sum * multiplier is an odd multiple of 2^(30 - shift)."""
    bounds = magnitudes(p, 0) * 255 + np.abs(p.bias.astype(np.int64))
    odd = p.multipliers & -p.multipliers  # the largest power of two that divides it
    return bool((bounds * odd >= np.int64(1) << (30 - p.shifts)).any())


def conv_2d(p: Any) -> Call | None:
    """One group, one image, no dilation, filters a multiple of 4."""
    return _conv_2d(p, _by_chunks)


def small_conv_2d(p: Any) -> Call | None:
    """The same by one kernel for all layers: less code, some more instructions."""
    return _conv_2d(p, lambda *_: "small_")


def _by_chunks(p: Conv2D, chunks: int) -> str:
    """The kernel that is told when it is compiled what it needs to know, in its name."""
    positive = "positive_" if p.clamp[0] >= p.output_zero_point else ""
    return f"{chunks}_{positive}" if chunks <= _MOST_HELD + 1 else f"n_{positive}"


def _conv_2d(p: Any, named: Callable[[Conv2D, int], str]) -> Call | None:
    if not isinstance(p, Conv2D) or p.scheme.suffix != "s8" or p.batch != 1 or p.groups != 1 or p.out_channels % QUAD:
        return None
    held = named is _by_chunks and p.in_channels <= _MOST_HELD * BYTES
    direct = _single_taps(p) and (held or p.in_channels % BYTES == 0)
    shifted = with_right_shifts(as_one_row(p) if direct and p.rows.output * p.columns.output <= LARGEST_SHORT else p, 0)
    if shifted is None or p.rows.dilation != 1 or p.columns.dilation != 1:
        return None
    filters = p.weights.transpose(0, 2, 1, 3).reshape(p.out_channels, -1)
    table = chunked(filters)
    chunks = table.shape[2]
    spread, scratch = _spread(shifted), 0 if direct else lines_bytes(shifted.rows, shifted.columns, p.in_channels) + BYTES * chunks
    if spread.max() > _LARGEST_OFFSET:
        return None
    name = f"{'' if direct else 'lines_'}{named(p, chunks)}"
    fields = portable_conv_2d.call(shifted).fields
    within = access.window(1, shifted.rows, shifted.columns, p.in_channels, p.out_channels, 2 * p.out_channels)
    made = Call(
        function=f"tinykd_conv_2d_{name}mve_s8",
        struct="tinykd_conv_2d_mve",
        fields={
            **{name: value for name, value in fields.items() if name not in _NOT_IN_STRUCT},
            "chunks": chunks,
            "last": (filters.shape[1] - 1) % BYTES + 1 if direct else BYTES,
            "spread": Table("uint8_t", spread),
            # filters 0 and 2 together, then 1 and 3
            "weights": Table("int8_t", table.reshape(-1, 2, 2, chunks, BYTES).transpose(0, 2, 3, 1, 4)),
            "scaling": scaling(shifted, filters),
        },
        source="mve/conv_2d.c",
        scratch=scratch,
        # where two pixels are computed from the input, four channels after four, both are read again until both are written
        distances=(within if direct else lines_distance(shifted.rows, shifted.columns, p.in_channels, p.out_channels),),
    )
    return shortened(made)


def lines_bytes(rows: Axis, columns: Axis, channels: int) -> int:
    """Lines of a whole layer: `kernel` rows of each column, and a pixel for each row that the windows move down."""
    padded_rows, padded_columns = ((axis.output - 1) * axis.stride + axis.kernel for axis in (rows, columns))
    return (rows.kernel * (padded_columns - 1) + padded_rows) * channels


def lines_distance(rows: Axis, columns: Axis, in_channels: int, out_channels: int) -> int:
    """Rows are in the lines before the first output row that needs them is written."""
    done = np.arange(1, rows.output, dtype=np.int64)
    read = np.clip((done - 1) * rows.stride + rows.kernel - rows.pad, 0, rows.input)
    after = np.maximum(read, np.clip(done * rows.stride - rows.pad, 0, rows.input))
    return access.distance(done * columns.output * out_channels, after * columns.input * in_channels)


def _spread(p: Conv2D) -> Array:
    """[16] where the lines have bytes of pixels that follow each other, from the first of them on."""
    byte = np.arange(BYTES if p.in_channels < BYTES else 1)
    return np.asarray(byte // p.in_channels * p.rows.kernel * p.in_channels + byte % p.in_channels)


_LARGEST_OFFSET = 255
"""Of bytes that one instruction writes."""

_MOST_HELD = 3
"""Chunks of two pixels that stay in registers."""

_NOT_IN_STRUCT = ("batch", "groups", "dilation_height", "dilation_width", "weights", "bias", "multipliers", "shifts")


def _single_taps(p: Conv2D) -> bool:
    """Every window is a pixel of the input."""
    return all(axis.kernel == 1 and axis.pad == 0 and (axis.output - 1) * axis.stride < axis.input for axis in (p.rows, p.columns))


def as_one_row(p: Conv2D) -> Conv2D:
    """A convolution of single pixels takes the image as one row, which leaves no odd pixel at the end of each."""
    if any(axis.kernel != 1 or axis.stride != 1 or axis.pad or axis.input != axis.output for axis in (p.rows, p.columns)):
        return p
    pixels = p.rows.output * p.columns.output
    return replace(p, rows=replace(p.rows, input=1, output=1), columns=replace(p.columns, input=pixels, output=pixels))
