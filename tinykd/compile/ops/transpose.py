"""TRANSPOSE: axes in another order."""

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
    listed = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32",)).ravel().tolist()
    rank = len(source.shape)
    order = tuple(requirements.axis_of(graph, op, axis, rank) for axis in listed)
    if sorted(order) != list(range(rank)):
        raise UnsupportedModel(f"{graph.label(op)}: {listed} is no order of {rank} axes")
    requirements.shaped(graph, op, result, [source.shape[axis] for axis in order])

    def view(x: Array) -> Array:
        return np.transpose(x, order)

    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    rank = int(rng.integers(1, 6))
    shape = tuple(int(size) for size in rng.integers(1, 6, rank))
    order = rng.permutation(rank).astype(np.int32)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("order", order.shape, "int32", None, order),
        Tensor("output", tuple(shape[axis] for axis in order), "int8", quant),
    ]
    return sampling.single("TRANSPOSE", None, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="TRANSPOSE",
    code=39,
    options_code=0,
    options=None,
    summary="axes in another order, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
