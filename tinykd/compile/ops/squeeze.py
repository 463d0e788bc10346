"""SQUEEZE: without axes of one element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, view
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.view import Viewed
from tinykd.compile.schema import slot


@dataclass(frozen=True)
class SqueezeOptions:
    squeeze_dims: tuple[int, ...] = slot(0, "[int32]", ())


def lower(graph: Graph, op: Op, _: Rounding) -> Viewed:
    requirements.counts(graph, op, (1,))
    source, result = view.ends(graph, op)
    rank = len(source.shape)
    named = {requirements.axis_of(graph, op, axis, rank) for axis in op.options.squeeze_dims}
    shape = tuple(size for axis, size in enumerate(source.shape) if not (axis in named if named else size == 1))
    requirements.shaped(graph, op, result, shape)
    return Viewed(result.shape)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.choice([1, 1, 2, 3], int(rng.integers(1, 6))))
    ones = [axis for axis, size in enumerate(shape) if size == 1]
    named = tuple(axis - len(shape) if rng.random() < 0.3 else axis for axis in ones if rng.random() < 0.5)
    gone = {axis % len(shape) for axis in named} or set(ones)
    x, quant = sampling.int8(rng, shape), sampling.quant(rng)
    result = tuple(size for axis, size in enumerate(shape) if axis not in gone)
    tensors = [Tensor("input", shape, "int8", quant), Tensor("output", result, "int8", quant)]
    return sampling.single("SQUEEZE", SqueezeOptions(named), tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="SQUEEZE",
    code=43,
    options_code=30,
    options=SqueezeOptions,
    summary="without axes of one element, no copy",
    lower=lower,
    reference=view.reference,
    call=view.call,
    macs=view.macs,
    cases=cases,
)
