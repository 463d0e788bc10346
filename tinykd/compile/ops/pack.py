"""PACK: tensors stacked along a new axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import joined, requirements, sampling
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.schema import slot


@dataclass(frozen=True)
class PackOptions:
    values_count: int = slot(0, "int32", 0)
    axis: int = slot(1, "int32", 0)


def lower(graph: Graph, op: Op, _: Rounding) -> Joined:
    requirements.counts(graph, op, (op.options.values_count,))
    parts = [requirements.present(graph, op, position) for position in range(len(op.inputs))]
    result = graph.tensors[op.outputs[0]]
    requirements.one_dtype(graph, op, [result, *parts])
    axis = requirements.axis_of(graph, op, op.options.axis, len(result.shape))
    for part in parts:
        requirements.shaped(graph, op, part, result.shape[:axis] + result.shape[axis + 1 :])
    return joined.joined(graph, op, result, axis, [1] * len(parts), [result.shape])


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 4))))
    count, axis = int(rng.choice([1, 2, 3, 9])), int(rng.integers(0, len(shape) + 1))
    quant = sampling.quant(rng)
    values = [sampling.int8(rng, shape) for _ in range(count)]
    tensors = [Tensor(f"input_{k}", shape, "int8", quant) for k in range(count)]
    tensors.append(Tensor("output", (*shape[:axis], count, *shape[axis:]), "int8", quant))
    options = PackOptions(count, axis - len(shape) - 1 if rng.random() < 0.3 else axis)
    return sampling.single("PACK", options, tensors, tuple(range(count)), (count,), values)


OPERATOR = Operator(
    kind="PACK",
    code=83,
    options_code=59,
    options=PackOptions,
    summary="any number of tensors along a new axis, any dtype",
    lower=lower,
    reference=joined.join,
    call=joined.join_call,
    macs=joined.macs,
    cases=cases,
)
