"""REVERSE_V2: elements in reverse order along some axes."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, strided_copy
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.strided_copy import StridedCopy


def lower(graph: Graph, op: Op, _: Rounding) -> StridedCopy:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    axes = requirements.axes(graph, op, requirements.present(graph, op, 1), len(source.shape))
    requirements.shaped(graph, op, result, source.shape)

    def view(x: Array) -> Array:
        return np.flip(x, axes)

    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    axis = np.array([int(rng.integers(0, len(shape)))], np.int32)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("axis", axis.shape, "int32", None, axis),
        Tensor("output", shape, "int8", quant),
    ]
    return sampling.single("REVERSE_V2", None, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="REVERSE_V2",
    code=105,
    options_code=0,
    options=None,
    summary="reverse order along axes, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
