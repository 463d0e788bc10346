"""UNPACK: the slices of a tensor along an axis, each without that axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import joined, requirements, sampling
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot


@dataclass(frozen=True)
class UnpackOptions:
    num: int = slot(0, "int32", 0)
    axis: int = slot(1, "int32", 0)


def lower(graph: Graph, op: Op, _: Rounding) -> Joined:
    requirements.counts(graph, op, (1,), op.options.num)
    source, results = requirements.present(graph, op, 0), [graph.tensors[index] for index in op.outputs]
    requirements.one_dtype(graph, op, [source, *results])
    axis = requirements.axis_of(graph, op, op.options.axis, len(source.shape))
    for result in results:
        requirements.shaped(graph, op, result, source.shape[:axis] + source.shape[axis + 1 :])
    return joined.joined(graph, op, source, axis, [1] * len(results), [result.shape for result in results])


def call(p: Joined) -> Call:
    return joined.split_call(p, 0)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(2, 5))))
    axis = int(rng.integers(0, len(shape)))
    x, quant, count = sampling.int8(rng, shape), sampling.quant(rng), shape[axis]
    tensors = [Tensor("input", shape, "int8", quant)]
    tensors += [Tensor(f"output_{k}", shape[:axis] + shape[axis + 1 :], "int8", quant) for k in range(count)]
    options = UnpackOptions(count, axis - len(shape) if rng.random() < 0.3 else axis)
    return sampling.single("UNPACK", options, tensors, (0,), tuple(range(1, count + 1)), (x,))


OPERATOR = Operator(
    kind="UNPACK",
    code=88,
    options_code=64,
    options=UnpackOptions,
    summary="slices along an axis, any dtype",
    lower=lower,
    reference=joined.split,
    call=call,
    macs=joined.macs,
    cases=cases,
)
