"""Operators that put tensors side by side or take them apart: CONCATENATION, PACK, SPLIT, SPLIT_V, UNPACK."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops.operator import Call, Table
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True, eq=False)
class Joined:
    """A whole seen as [rows, sum of the parts' bytes] and its parts, each [rows, bytes].

    Attributes:
        parts: [number of parts] bytes of a part's row.
        shapes: the outputs' shapes.
    """

    rows: int
    parts: Array
    shapes: tuple[tuple[int, ...], ...]


def joined(graph: Graph, op: Op, whole: Tensor, axis: int, sizes: Sequence[int], shapes: Sequence[tuple[int, ...]]) -> Joined:
    """Parts of `sizes` along `axis` of `whole`.

    Raises:
        UnsupportedModel: the sizes do not add up, or a part is empty.
    """
    if sum(sizes) != whole.shape[axis] or min(sizes, default=0) < 1 or not whole.elements:
        raise UnsupportedModel(f"{graph.label(op)}: parts of {list(sizes)} do not make axis {axis} of {list(whole.shape)}")
    inner = math.prod(whole.shape[axis + 1 :]) * ITEM_BYTES[whole.dtype]
    return Joined(math.prod(whole.shape[:axis]), np.array([size * inner for size in sizes], np.int32), tuple(shapes))


def join(p: Joined, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """CONCATENATION and PACK in NumPy."""
    rows = [np.ascontiguousarray(x).reshape(p.rows, -1) for x in inputs]
    return (np.concatenate(rows, axis=1).reshape(p.shapes[0]),)


def split(p: Joined, inputs: Sequence[Array]) -> tuple[Array, ...]:
    """SPLIT, SPLIT_V and UNPACK in NumPy."""
    rows = np.ascontiguousarray(inputs[0]).reshape(p.rows, -1)
    ends = np.cumsum(p.parts // rows.itemsize)[:-1]
    return tuple(part.reshape(shape) for part, shape in zip(np.split(rows, ends, axis=1), p.shapes))


def _fields(p: Joined) -> dict[str, int | Table]:
    return {"rows": p.rows, "count": int(p.parts.size), "row_bytes": int(p.parts.sum()), "parts": Table("int32_t", p.parts)}


def join_call(p: Joined) -> Call:
    return Call(function="tinykd_join", struct="tinykd_parts", fields=_fields(p), source="join.c", inputs=tuple(range(p.parts.size)))


def split_call(p: Joined, position: int) -> Call:
    """A split of the operator's input `position`."""
    return Call(function="tinykd_split", struct="tinykd_parts", fields=_fields(p), source="split.c", inputs=(position,))


def macs(_: Joined) -> int:
    return 0
