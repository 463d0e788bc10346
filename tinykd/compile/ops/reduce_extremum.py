"""REDUCE_MAX and REDUCE_MIN over any axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import reduction, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.reduction import ReducerOptions, Reduction
from tinykd.errors import UnsupportedModel


def lower(graph: Graph, op: Op, _: Rounding) -> Reduction:
    loops, incoming, outgoing = reduction.reduction(graph, op)
    if (incoming.scale, incoming.zero_point) != (outgoing.scale, outgoing.zero_point):
        raise UnsupportedModel(f"{graph.label(op)}: input and output have different scales or zero points, which LiteRT refuses")
    return loops


def _operator(kind: str, code: int, function: Callable[..., Array]) -> Operator[Reduction]:
    name = kind.lower()

    def reference(p: Reduction, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (reduction.over(p, function, inputs[0]),)

    def call(p: Reduction) -> Call:
        return Call(function=f"tinykd_{name}_s8", struct="tinykd_reduction", fields=dict(p.fields()), source=f"{name}.c")

    def cases(rng: np.random.Generator) -> Case:
        quant = sampling.quant(rng)
        return reduction.case(rng, kind, quant, quant)

    return Operator(
        kind=kind,
        code=code,
        options_code=27,
        options=ReducerOptions,
        summary=f"{'largest' if kind == 'REDUCE_MAX' else 'smallest'} value over any axes",
        lower=lower,
        reference=reference,
        call=call,
        macs=reduction.macs,
        cases=cases,
    )


REDUCE_MAX = _operator("REDUCE_MAX", 82, np.max)
REDUCE_MIN = _operator("REDUCE_MIN", 89, np.min)
