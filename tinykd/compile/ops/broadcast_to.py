"""BROADCAST_TO: axes of one element repeated."""

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
    shape = tuple(requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64")).ravel().tolist())
    requirements.shaped(graph, op, result, shape)
    if len(shape) < len(source.shape) or any(a not in (1, b) for a, b in zip(reversed(source.shape), reversed(shape))):
        raise UnsupportedModel(f"{graph.label(op)}: {list(source.shape)} does not broadcast to {list(shape)}")

    def view(x: Array) -> Array:
        return np.broadcast_to(x, shape)

    return strided_copy.strided_copy(graph, op, source, result, view)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 6))))
    narrow = tuple(int(size if rng.random() < 0.5 else 1) for size in shape[int(rng.integers(0, len(shape))) :])
    x, quant = sampling.int8(rng, narrow), sampling.quant(rng)
    tensors = [
        Tensor("input", narrow, "int8", quant),
        Tensor("shape", (len(shape),), "int32", None, np.array(shape, np.int32)),
        Tensor("output", shape, "int8", quant),
    ]
    return sampling.single("BROADCAST_TO", None, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="BROADCAST_TO",
    code=130,
    options_code=0,
    options=None,
    summary="axes of one element repeated, any dtype",
    lower=lower,
    reference=strided_copy.reference,
    call=strided_copy.call,
    macs=strided_copy.macs,
    cases=cases,
)
