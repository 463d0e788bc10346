"""EXPAND_DIMS: with one more axis of one element."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, view
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.view import Viewed


def lower(graph: Graph, op: Op, _: Rounding) -> Viewed:
    requirements.counts(graph, op, (2,))
    source, result = view.ends(graph, op)
    listed = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64"))
    axis = requirements.axis_of(graph, op, int(listed.ravel()[0]), len(source.shape) + 1)
    requirements.shaped(graph, op, result, (*source.shape[:axis], 1, *source.shape[axis:]))
    return Viewed(result.shape)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    axis = int(rng.integers(-len(shape) - 1, len(shape) + 1))
    place = axis % (len(shape) + 1)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("axis", (1,), "int32", None, np.array([axis], np.int32)),
        Tensor("output", (*shape[:place], 1, *shape[place:]), "int8", quant),
    ]
    return sampling.single("EXPAND_DIMS", None, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="EXPAND_DIMS",
    code=70,
    options_code=0,
    options=None,
    summary="one more axis of one element, no copy",
    lower=lower,
    reference=view.reference,
    call=view.call,
    macs=view.macs,
    cases=cases,
)
