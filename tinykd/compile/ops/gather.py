"""GATHER: slices along one axis, picked by constant indices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Graph, Op, Tensor
from tinykd.compile.ops import picked, requirements, sampling
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.picked import Picked
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class GatherOptions:
    axis: int = slot(0, "int32", 0)
    batch_dims: int = slot(1, "int32", 0)


def lower(graph: Graph, op: Op, _: Rounding) -> Picked:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    indices = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int16", "int32", "int64"))
    axis = requirements.axis_of(graph, op, op.options.axis, len(source.shape))
    if op.options.batch_dims or not source.elements or source.dtype != result.dtype:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' is empty, gathered in batches or of another dtype than the output")
    requirements.shaped(graph, op, result, (*source.shape[:axis], *indices.shape, *source.shape[axis + 1 :]))
    return Picked(
        outer=math.prod(source.shape[:axis]),
        height=source.shape[axis],
        width=1,
        inner=math.prod(source.shape[axis + 1 :]) * ITEM_BYTES[source.dtype],
        rows=picked.table(graph, op, indices, source.shape[axis]),
        columns=np.zeros(1, np.int16),
        output_shape=result.shape,
    )


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 7, int(rng.integers(1, 5))))
    axis = int(rng.integers(0, len(shape)))
    indices = rng.integers(0, shape[axis], [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 3)))]).astype(np.int32)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("indices", indices.shape, "int32", None, indices),
        Tensor("output", (*shape[:axis], *indices.shape, *shape[axis + 1 :]), "int8", quant),
    ]
    listed = axis - len(shape) if rng.random() < 0.3 else axis
    return sampling.single("GATHER", GatherOptions(listed), tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="GATHER",
    code=36,
    options_code=23,
    options=GatherOptions,
    summary="slices along an axis by constant indices, any dtype",
    lower=lower,
    reference=picked.reference,
    call=picked.call,
    macs=picked.macs,
    cases=cases,
)
