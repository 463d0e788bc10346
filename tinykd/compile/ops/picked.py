"""Operators that pick whole rows and columns by constant indices: GATHER, RESIZE_NEAREST_NEIGHBOR, MIRROR_PAD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops.operator import Call, Table
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True, eq=False)
class Picked:
    """output[o, y, x] = input[o, rows[y], columns[x]] of an input seen as [outer, height, width, inner bytes].

    Attributes:
        rows: [output height] indices of input rows.
        columns: [output width] indices of input columns.
    """

    outer: int
    height: int
    width: int
    inner: int
    rows: Array
    columns: Array
    output_shape: tuple[int, ...]


def table(graph: Graph, op: Op, indices: Sequence[int] | Array, size: int) -> Array:
    """`indices` into an axis of `size` as int16, checked."""
    values = np.asarray(indices, np.int64).ravel()
    if values.size == 0 or values.min() < 0 or values.max() >= size or size > 1 << 15:
        raise UnsupportedModel(f"{graph.label(op)}: indices reach outside an axis of {size}, or the axis is longer than 32768")
    return values.astype(np.int16)


def reference(p: Picked, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x = np.ascontiguousarray(inputs[0])
    seen = x.view(np.uint8).reshape(p.outer, p.height, p.width, p.inner)
    taken = seen[:, p.rows.astype(np.int64)[:, None], p.columns.astype(np.int64)]
    return (np.ascontiguousarray(taken).reshape(-1).view(x.dtype).reshape(p.output_shape),)


def call(p: Picked) -> Call:
    return Call(
        function="tinykd_pick",
        struct="tinykd_pick",
        fields={
            "outer": p.outer,
            "in_height": p.height,
            "in_width": p.width,
            "inner": p.inner,
            "out_height": int(p.rows.size),
            "out_width": int(p.columns.size),
            "rows": Table("int16_t", p.rows),
            "columns": Table("int16_t", p.columns),
        },
        source="pick.c",
    )


def macs(_: Picked) -> int:
    return 0
