"""TILE: the whole tensor repeated along each axis."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.errors import UnsupportedModel


def lower(graph: Graph, op: Op, _: Rounding) -> StridedCopy:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    counts = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64")).ravel().tolist()
    if len(counts) != len(source.shape) or min(counts, default=1) < 1:
        raise UnsupportedModel(f"{graph.label(op)} repeats {list(source.shape)} {counts} times")
    requirements.shaped(graph, op, result, [size * count for size, count in zip(source.shape, counts)])
    split = tuple(part for size in source.shape for part in (1, size))
    repeated = tuple(part for size, count in zip(source.shape, counts) for part in (count, size))

    def view(x: Array) -> Array:
        return np.broadcast_to(x.reshape(split), repeated)

    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 5, int(rng.integers(1, 5))))
    counts = rng.choice([1, 1, 2, 3], len(shape)).astype(np.int32)
    if len(shape) == 4:
        counts[int(rng.integers(0, 4))] = 1  # four repeated axes would be eight loops
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("counts", counts.shape, "int32", None, counts),
        Tensor("output", tuple(int(s * c) for s, c in zip(shape, counts)), "int8", quant),
    ]
    return sampling.single("TILE", None, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="TILE",
    code=69,
    options_code=0,
    options=None,
    summary="repetition along axes, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
