"""SPLIT and SPLIT_V: a tensor taken apart along an axis, into equal or given sizes."""

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
class SplitOptions:
    num_splits: int = slot(0, "int32", 0)


_POSITIONS = {"SPLIT": (1, 0), "SPLIT_V": (0, 2)}
"""Positions of the split tensor and of the axis among the inputs."""


def lower(graph: Graph, op: Op, _: Rounding) -> Joined:
    position, axis_position = _POSITIONS[op.kind]
    requirements.counts(graph, op, (2,) if op.kind == "SPLIT" else (3,), op.options.num_splits)
    source, results = requirements.present(graph, op, position), [graph.tensors[index] for index in op.outputs]
    requirements.one_dtype(graph, op, [source, *results])
    listed = requirements.constant(graph, op, requirements.present(graph, op, axis_position), ("int32",))
    axis = requirements.axis_of(graph, op, int(listed.ravel()[0]), len(source.shape))
    sizes = [result.shape[axis] if axis < len(result.shape) else 0 for result in results]
    for result, size in zip(results, sizes):
        requirements.shaped(graph, op, result, (*source.shape[:axis], size, *source.shape[axis + 1 :]))
    return joined.joined(graph, op, source, axis, sizes, [result.shape for result in results])


def call(p: Joined) -> Call:
    return joined.split_call(p, 1)


def call_v(p: Joined) -> Call:
    return joined.split_call(p, 0)


def cases(rng: np.random.Generator) -> Case:
    count = int(rng.choice([1, 2, 2, 3, 4]))
    shape = [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 5)))]
    axis = int(rng.integers(0, len(shape)))
    part = tuple(shape)
    shape[axis] *= count
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    listed = np.array([axis - len(shape) if rng.random() < 0.3 else axis], np.int32)
    tensors = [Tensor("axis", (1,), "int32", None, listed), Tensor("input", x.shape, "int8", quant)]
    tensors += [Tensor(f"output_{k}", part, "int8", quant) for k in range(count)]
    return sampling.single("SPLIT", SplitOptions(count), tensors, (0, 1), tuple(range(2, count + 2)), (x,))


def cases_v(rng: np.random.Generator) -> Case:
    sizes = rng.integers(1, 5, int(rng.choice([1, 2, 3, 5]))).astype(np.int32)
    shape = [int(size) for size in rng.integers(1, 5, int(rng.integers(1, 5)))]
    axis = int(rng.integers(0, len(shape)))
    shape[axis] = int(sizes.sum())
    listed = sizes.copy()
    if rng.random() < 0.3:
        listed[int(rng.integers(0, len(listed)))] = -1
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    tensors = [
        Tensor("input", x.shape, "int8", quant),
        Tensor("sizes", sizes.shape, "int32", None, listed),
        Tensor("axis", (1,), "int32", None, np.array([axis], np.int32)),
    ]
    tensors += [Tensor(f"output_{k}", (*x.shape[:axis], int(size), *x.shape[axis + 1 :]), "int8", quant) for k, size in enumerate(sizes)]
    return sampling.single("SPLIT_V", SplitOptions(len(sizes)), tensors, (0, 1, 2), tuple(range(3, len(sizes) + 3)), (x,))


SPLIT = Operator(
    kind="SPLIT",
    code=49,
    options_code=35,
    options=SplitOptions,
    summary="equal parts along an axis, any dtype",
    lower=lower,
    reference=joined.split,
    call=call,
    macs=joined.macs,
    cases=cases,
)
SPLIT_V = Operator(
    kind="SPLIT_V",
    code=102,
    options_code=79,
    options=SplitOptions,
    summary="parts of given sizes along an axis, any dtype",
    lower=lower,
    reference=joined.split,
    call=call_v,
    macs=joined.macs,
    cases=cases_v,
)
