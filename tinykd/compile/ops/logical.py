"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT of bool tensors, whose bytes are 0 and 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel


def _booleans(graph: Graph, op: Op, inputs: int) -> list[Tensor]:
    """The inputs, then the output, all of them bool."""
    requirements.counts(graph, op, (inputs,))
    tensors = [*(requirements.present(graph, op, position) for position in range(inputs)), graph.tensors[op.outputs[0]]]
    for tensor in tensors:
        if tensor.dtype != "bool":
            raise UnsupportedModel(f"{graph.label(op)}: '{tensor.name}' is {tensor.dtype}, the kernel takes bool")
    return tensors


def _binary(kind: str, code: int, kernel: str, function: Callable[[Array, Array], Array]) -> Operator[Broadcast]:
    """A row; of bytes 0 and 1 the smaller is their conjunction, the larger their disjunction."""

    def lower(graph: Graph, op: Op, _: Rounding) -> Broadcast:
        a, b, result = _booleans(graph, op, 2)
        return broadcast(graph, op, a, b, result)

    def reference(_: Broadcast, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (np.asarray(function(inputs[0], inputs[1])),)

    def call(p: Broadcast) -> Call:
        return Call(f"tinykd_{kernel}_s8", "tinykd_pairs", dict(p.fields()), f"{kernel}.c", inputs=(0, 1))

    def cases(rng: np.random.Generator) -> Case:
        values = [rng.integers(0, 2, shape).astype(np.bool_) for shape in sampling.broadcast_shapes(rng)]
        tensors = [Tensor(name, x.shape, "bool") for name, x in zip("ab", values)]
        tensors.append(Tensor("output", np.broadcast_shapes(*(x.shape for x in values)), "bool"))
        return sampling.single(kind, None, tensors, (0, 1), (2,), values)

    return Operator(kind, code, 0, None, "of two bool tensors, with broadcasting", lower, reference, call, _macs, cases, distances)


def _macs(_: Broadcast) -> int:
    return 0


def _lower_not(graph: Graph, op: Op, _: Rounding) -> Lookup:
    source, result = _booleans(graph, op, 1)
    requirements.shaped(graph, op, result, source.shape)
    if not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' is empty")
    return Lookup(source.elements, (np.arange(256) == 0).astype(np.bool_))


def _not_cases(rng: np.random.Generator) -> Case:
    x = rng.integers(0, 2, sampling.broadcast_shapes(rng)[0]).astype(np.bool_)
    return sampling.single("LOGICAL_NOT", None, [Tensor("input", x.shape, "bool"), Tensor("output", x.shape, "bool")], (0,), (1,), (x,))


LOGICAL_AND = _binary("LOGICAL_AND", 86, "minimum", np.logical_and)
LOGICAL_OR = _binary("LOGICAL_OR", 84, "maximum", np.logical_or)
LOGICAL_NOT = Operator(
    kind="LOGICAL_NOT",
    code=87,
    options_code=0,
    options=None,
    summary="of a bool tensor, by table",
    lower=_lower_not,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=_not_cases,
    distances=lookup.distances,
)
