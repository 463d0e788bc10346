"""CONV_2D and FULLY_CONNECTED with the DSP instructions of Cortex-M4, M7, M33 and M55: two products at once, four bytes a load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops import access
from tinykd.compile.ops import conv_2d as portable_conv_2d
from tinykd.compile.ops import fully_connected as portable_dense
from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.fully_connected import FullyConnected
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.specialise.finish import rounded_once, rounded_twice
from tinykd.compile.specialise.pairs import Pairs, packed, pairs, steps_that_fit, sum_range
from tinykd.compile.specialise.short import WINDOW_MEMBERS, shortened


def conv_2d(p: Any) -> Call | None:
    """One group, one image."""
    if not isinstance(p, Conv2D) or p.scheme.suffix != "s8" or p.batch != 1 or p.groups != 1:
        return None
    finished = rounded_twice(p, (1, 2, 3))
    paired = None if finished is None else pairs(finished, finished.weights.reshape(p.out_channels, -1), finished.bias)
    if finished is None or paired is None:
        return None
    portable = portable_conv_2d.call(p).fields
    made = Call(
        function="tinykd_conv_2d_dsp_s8",
        struct="tinykd_conv_2d_short",
        fields={
            **{name: portable[name] for name in WINDOW_MEMBERS},
            "z": 2 * p.output_zero_point + 1,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", paired.weights),
            "finish": Table("int32_t", twice_table(finished, paired)),
        },
        source="dsp/conv_2d.c",
        scratch=(20 if p.in_channels % 4 else 16) * paired.steps,
        distances=(access.windows_together(p.rows, p.columns, p.in_channels, p.out_channels, 2),),
    )
    return shortened(made)


def one_channel(p: DepthwiseConv2D) -> Call | None:
    """A depthwise convolution of one channel, with a multiplier: a convolution whose filters are its output channels."""
    filters = np.ascontiguousarray(p.weights.transpose(3, 1, 2, 0))
    shared = {field.name: getattr(p, field.name) for field in fields(Weighted)}
    whole = {"batch": p.batch, "rows": p.rows, "columns": p.columns, "in_channels": 1, "out_channels": p.multiplier}
    return conv_2d(Conv2D(**{**shared, "weights": filters, **whole}))


def twice_table(p: Weighted, paired: Pairs) -> Array:
    """[pairs, 5]: starts of both sums, two multipliers, two bytes of shifts, as the kernel reads them for each pair."""
    odd = len(p.shifts) % 2
    multipliers = np.pad(p.multipliers, (0, odd)).reshape(-1, 2)
    shifts = np.pad(p.shifts, (0, odd)).reshape(-1, 2)
    return np.concatenate([paired.starts, multipliers, shifts[:, :1] | shifts[:, 1:] << 8], axis=1)


def fully_connected(p: Any) -> Call | None:
    """Two pairs of filters at a time. Each row must begin with a word."""
    if not isinstance(p, FullyConnected) or p.scheme.suffix != "s8" or p.weights_zero_point != 0:
        return None
    channels, depth = p.weights.shape
    if depth % 4 and p.rows > 1:
        return None
    table = _DENSE[p.rounding](p)
    if table is None:
        return None
    return Call(
        function=f"tinykd_fully_connected_{p.rounding}_dsp_s8",
        struct="tinykd_fully_connected_dsp",
        fields={
            "rows": p.rows,
            "depth": depth,
            "channels": channels,
            "run": table.run,
            "z": 2 * p.output_zero_point + 1,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", table.weights),
            "finish": Table("int32_t", table.finish),
        },
        source="dsp/fully_connected.c",
        distances=portable_dense.distances(p),
    )


@dataclass(frozen=True, eq=False)
class _Fours:
    """weights [fours of channels, steps, two pairs, 8], steps in a `run`, finish [fours, words]."""

    weights: Array
    run: int
    finish: Array


def _fours(p: FullyConnected, columns: Sequence[Array]) -> _Fours | None:
    """Filters by fours. `columns` [channels] follow what the sums start from; the last are shifts, which become four bytes."""
    missing = -len(p.bias) % 4
    weights = packed(np.pad(p.weights, ((0, missing), (0, 0))))
    if weights is None:
        return None
    starts = p.bias - p.input_zero_point * p.weights.astype(np.int64).sum(axis=1)
    padded = [np.pad(column, (0, missing)).reshape(-1, 4) for column in (starts, *columns)]
    shifts = (padded[-1].astype(np.int64) << np.array([0, 8, 16, 24])).sum(axis=1, keepdims=True)
    ordered = weights.reshape(-1, 2, *weights.shape[1:]).transpose(0, 2, 1, 3)
    finish = np.concatenate([*padded[:-1], shifts], axis=1).astype(np.int32)
    return _Fours(np.ascontiguousarray(ordered), steps_that_fit(weights), finish)


def _dense_once(p: FullyConnected) -> _Fours | None:
    sums = sum_range(p.weights.astype(np.int64), p.bias.astype(np.int64), p.input_zero_point)
    floors = rounded_once(p.multipliers, p.shifts, sums, p.output_zero_point, p.clamp)
    if floors is None:
        return None
    bias = np.where(floors.multipliers == 0, 0, p.bias + floors.biases)  # a constant needs no sum
    return _fours(replace(p, bias=bias), (floors.multipliers, floors.offsets, floors.shifts))


def _dense_twice(p: FullyConnected) -> _Fours | None:
    finished = rounded_twice(p, (1,))
    return None if finished is None else _fours(finished, (finished.multipliers, finished.shifts))


_DENSE = {"single": _dense_once, "double": _dense_twice}
"""By rounding."""
