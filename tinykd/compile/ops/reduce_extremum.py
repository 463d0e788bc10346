"""REDUCE_MAX and REDUCE_MIN over any axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import reduction, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.reduction import ReducerOptions, Reduction
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ReducedExtremum:
    """Loops over a tensor of a dtype."""

    dtype: str
    loops: Reduction


def lower(graph: Graph, op: Op, _: Rounding) -> ReducedExtremum:
    loops, incoming, outgoing = reduction.reduction(graph, op, ("int8", "int16"))
    if (incoming.scale, incoming.zero_point) != (outgoing.scale, outgoing.zero_point):
        raise UnsupportedModel(f"{graph.label(op)}: input and output have different scales or zero points, which LiteRT refuses")
    return ReducedExtremum(graph.tensors[op.outputs[0]].dtype, loops)


def _operator(kind: str, code: int, function: Callable[..., Array]) -> Operator[ReducedExtremum]:
    name = kind.lower()

    kernels = {"int8": (f"tinykd_{name}_s8", f"{name}.c"), "int16": (f"tinykd_{name}_s16", f"{name}_s16.c")}

    def reference(p: ReducedExtremum, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (reduction.over(p.loops, function, inputs[0]),)

    def call(p: ReducedExtremum) -> Call:
        name_in_c, source = kernels[p.dtype]
        return Call(function=name_in_c, struct="tinykd_reduction", fields=dict(p.loops.fields()), source=source)

    def cases(rng: np.random.Generator) -> Case:
        quant = sampling.quant(rng)
        return reduction.case(rng, kind, quant, quant, str(rng.choice(["int8", "int8", "int16"])))

    return Operator(
        kind=kind,
        code=code,
        options_code=27,
        options=ReducerOptions,
        summary=f"{'largest' if kind == 'REDUCE_MAX' else 'smallest'} value of int8 or int16 over any axes",
        lower=lower,
        reference=reference,
        call=call,
        macs=reduction.macs,
        cases=cases,
    )


REDUCE_MAX = _operator("REDUCE_MAX", 82, np.max)
REDUCE_MIN = _operator("REDUCE_MIN", 89, np.min)
