"""RESHAPE: the same elements under another shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, view
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.view import Viewed
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ReshapeOptions:
    new_shape: tuple[int, ...] = slot(0, "[int32]", ())


def lower(graph: Graph, op: Op, _: Rounding) -> Viewed:
    """The shape is the constant second input, in old models an option; one size may be -1."""
    requirements.counts(graph, op, (1, 2))
    source, result = view.ends(graph, op)
    wanted = tuple(op.options.new_shape)
    second = requirements.optional(graph, op, 1)
    if second is not None:
        wanted = tuple(requirements.constant(graph, op, second, ("int32",)).ravel().tolist())
    known = math.prod(size for size in wanted if size != -1)
    resolved = tuple(source.elements // known if size == -1 and known else size for size in wanted)
    if resolved != result.shape:
        raise UnsupportedModel(f"{graph.label(op)}: {list(source.shape)} becomes {list(wanted)}, but the output is {list(result.shape)}")
    return Viewed(result.shape)


def cases(rng: np.random.Generator) -> Case:
    shape = tuple(int(size) for size in rng.integers(1, 7, int(rng.integers(1, 5))))
    parts = [math.prod(shape)]
    for divisor in (2, 3):
        if rng.random() < 0.5 and parts[0] % divisor == 0:
            parts = [parts[0] // divisor, divisor, *parts[1:]]
    wanted = list(parts)
    if rng.random() < 0.5:
        wanted[int(rng.integers(0, len(wanted)))] = -1
    quant = sampling.quant(rng)
    x = sampling.int8(rng, shape)
    tensors = [
        Tensor("input", shape, "int8", quant),
        Tensor("shape", (len(wanted),), "int32", None, np.array(wanted, np.int32)),
        Tensor("output", tuple(parts), "int8", quant),
    ]
    if rng.random() < 0.2:
        return sampling.single("RESHAPE", ReshapeOptions(tuple(wanted)), tensors, (0,), (2,), (x,))
    return sampling.single("RESHAPE", ReshapeOptions(), tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="RESHAPE",
    code=22,
    options_code=17,
    options=ReshapeOptions,
    summary="other shape, no copy",
    lower=lower,
    reference=view.reference,
    call=view.call,
    macs=view.macs,
    cases=cases,
)
