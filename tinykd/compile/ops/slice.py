"""SLICE: a block that starts at `begin` and has `size`; a size of -1 takes the rest."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.errors import UnsupportedModel


def lower(graph: Graph, op: Op, _: Rounding) -> StridedCopy:
    requirements.counts(graph, op, (3,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    begins, sizes = (
        requirements.constant(graph, op, requirements.present(graph, op, position), ("int32", "int64")).ravel().tolist()
        for position in (1, 2)
    )
    if not len(begins) == len(sizes) == len(source.shape):
        raise UnsupportedModel(f"{graph.label(op)}: {len(begins)} begins and {len(sizes)} sizes for {len(source.shape)} axes")
    block = []
    for begin, size, length in zip(begins, sizes, source.shape):
        end = length if size == -1 else begin + size
        if not 0 <= begin <= end <= length:
            raise UnsupportedModel(f"{graph.label(op)}: the slice from {begins} of {sizes} leaves {list(source.shape)}")
        block.append(slice(begin, end))
    requirements.shaped(graph, op, result, [part.stop - part.start for part in block])
    taken = tuple(block)

    def view(x: Array) -> Array:
        return x[taken]

    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    rank = int(rng.integers(1, 6))
    shape = rng.integers(1, 7, rank)
    begin = (rng.random(rank) * shape).astype(np.int32)
    size = (1 + rng.random(rank) * (shape - begin)).astype(np.int32)
    size = np.minimum(size, shape - begin).astype(np.int32)
    listed = np.where((begin + size == shape) & (rng.random(rank) < 0.5), -1, size).astype(np.int32)
    x, quant = sampling.int8(rng, shape.tolist()), sampling.quant(rng)
    tensors = [
        Tensor("input", x.shape, "int8", quant),
        Tensor("begin", begin.shape, "int32", None, begin),
        Tensor("size", size.shape, "int32", None, listed),
        Tensor("output", tuple(size.tolist()), "int8", quant),
    ]
    return sampling.single("SLICE", None, tensors, (0, 1, 2), (3,), (x,))


OPERATOR = Operator(
    kind="SLICE",
    code=65,
    options_code=0,
    options=None,
    summary="a block of a tensor, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
