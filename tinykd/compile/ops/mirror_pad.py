"""MIRROR_PAD: borders that reflect what is inside."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import picked, requirements, sampling
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.picked import Picked
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

REFLECT, SYMMETRIC = 0, 1
"""MirrorPadMode: without and with the edge itself."""


@dataclass(frozen=True)
class MirrorPadOptions:
    mode: int = slot(0, "int8", 0)


def mirrored(size: int, before: int, after: int, mode: int) -> Array:
    """[before + size + after] the input index of every output element along an axis."""
    return np.pad(np.arange(size), (before, after), "symmetric" if mode == SYMMETRIC else "reflect")


def lower(graph: Graph, op: Op, _: Rounding) -> Picked:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    borders = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64"))
    rank, edge = len(source.shape), 0 if op.options.mode == SYMMETRIC else 1
    fits = borders.shape == (rank, 2) and bool((borders >= 0).all()) and bool((borders.max(axis=1) <= np.array(source.shape) - edge).all())
    if not fits or not source.elements or source.dtype != result.dtype or op.options.mode not in (REFLECT, SYMMETRIC):
        raise UnsupportedModel(f"{graph.label(op)}: borders {borders.tolist()} do not fit {list(source.shape)}")
    requirements.shaped(graph, op, result, [int(size + both) for size, both in zip(source.shape, borders.sum(axis=1))])
    padded = [axis for axis in range(rank) if borders[axis].any()] or [rank - 1]
    first, last = padded[0], padded[-1]
    if last - first > 1:
        raise UnsupportedModel(f"{graph.label(op)} mirrors axes {padded}; the kernel mirrors two neighbouring axes at most")
    if first == last:  # the other table keeps its axis as it is
        first = max(first - 1, 0)
        last = first + 1
    sizes = (*source.shape, 1)[first : last + 1]
    pairs = [(*borders.tolist(), [0, 0])[axis] for axis in (first, last)]
    rows, columns = (mirrored(size, before, after, op.options.mode) for size, (before, after) in zip(sizes, pairs))
    return Picked(
        outer=math.prod(source.shape[:first]),
        height=sizes[0],
        width=sizes[1],
        inner=math.prod(source.shape[last + 1 :]) * ITEM_BYTES[source.dtype],
        rows=picked.table(graph, op, rows, sizes[0]),
        columns=picked.table(graph, op, columns, sizes[1]),
        output_shape=result.shape,
    )


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(2, 7, int(rng.integers(1, 5))))
    mode, first = int(rng.integers(0, 2)), int(rng.integers(0, len(shape)))
    borders = np.zeros((len(shape), 2), np.int32)
    for axis in range(first, min(first + 2, len(shape))):
        borders[axis] = rng.integers(0, shape[axis] + mode, 2)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("borders", borders.shape, "int32", None, borders),
        Tensor("output", tuple(int(size) for size in np.array(shape) + borders.sum(axis=1)), "int8", quant),
    ]
    return sampling.single("MIRROR_PAD", MirrorPadOptions(mode), tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="MIRROR_PAD",
    code=100,
    options_code=77,
    options=MirrorPadOptions,
    summary="reflected border on two neighbouring axes, any dtype",
    lower=lower,
    reference=picked.reference,
    call=picked.call,
    macs=picked.macs,
    cases=cases,
)
