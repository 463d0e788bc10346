"""CONCATENATION: tensors side by side along an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import joined, requirements, sampling
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ConcatenationOptions:
    axis: int = slot(0, "int32", 0)
    fused_activation: int = slot(1, "int8", 0)


def lower(graph: Graph, op: Op, _: Rounding) -> Joined:
    """LiteRT's int8 kernel does not rescale: it refuses inputs that are not on the output's scale."""
    requirements.counts(graph, op, range(1, len(op.inputs) + 1))
    parts = [requirements.present(graph, op, position) for position in range(len(op.inputs))]
    result = graph.tensors[op.outputs[0]]
    requirements.one_dtype(graph, op, [result, *parts])
    for part in parts:
        if part.quant and result.quant and (part.quant.scale, part.quant.zero_point) != (result.quant.scale, result.quant.zero_point):
            raise UnsupportedModel(
                f"{graph.label(op)}: '{part.name}' and the output have different scales or zero points",
                "convert with a current LiteRT, which requantizes before it concatenates",
            )
    axis = requirements.axis_of(graph, op, op.options.axis, len(result.shape))
    for part in parts:
        if len(part.shape) != len(result.shape):
            raise UnsupportedModel(f"{graph.label(op)}: '{part.name}' has {len(part.shape)} axes, the output {len(result.shape)}")
        requirements.shaped(graph, op, part, (*result.shape[:axis], part.shape[axis], *result.shape[axis + 1 :]))
    if op.options.fused_activation:
        raise UnsupportedModel(f"{graph.label(op)} has a fused activation, which LiteRT refuses")
    return joined.joined(graph, op, result, axis, [part.shape[axis] for part in parts], [result.shape])


def cases(rng: np.random.Generator) -> Case:
    shape = [int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5)))]
    axis = int(rng.integers(0, len(shape)))
    quant = sampling.quant(rng)
    values = []
    for _ in range(int(rng.choice([1, 2, 2, 3, 4, 11]))):
        shape[axis] = int(rng.integers(1, 6))
        values.append(sampling.int8(rng, shape))
    whole = np.concatenate(values, axis)
    tensors = [Tensor(f"input_{k}", x.shape, "int8", quant) for k, x in enumerate(values)]
    tensors.append(Tensor("output", whole.shape, "int8", quant))
    count = len(values)
    options = ConcatenationOptions(axis - len(shape) if rng.random() < 0.3 else axis)
    return sampling.single("CONCATENATION", options, tensors, tuple(range(count)), (count,), values)


OPERATOR = Operator(
    kind="CONCATENATION",
    code=2,
    options_code=10,
    options=ConcatenationOptions,
    summary="any number of tensors along any axis, any dtype",
    lower=lower,
    reference=joined.join,
    call=joined.join_call,
    macs=joined.macs,
    cases=cases,
)
