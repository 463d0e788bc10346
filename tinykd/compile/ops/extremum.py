"""MAXIMUM and MINIMUM: the larger or smaller integer of two int8 or int16 tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.operator import Call, Case, Operator

DTYPES = ("int8", "int16")


@dataclass(frozen=True)
class Extremum:
    """Loops over two operands of a dtype."""

    dtype: str
    loops: Broadcast


def lower(graph: Graph, op: Op, _: Rounding) -> Extremum:
    """Like LiteRT, compares integers without rescaling: converters give all three tensors one quantization."""
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (a, b, result):
        requirements.quantized(graph, op, tensor, DTYPES)
    return Extremum(requirements.one_dtype(graph, op, (a, b, result)), broadcast(graph, op, a, b, result))


def macs(_: Extremum) -> int:
    return 0


def _operator(kind: str, code: int, function: Callable[[Array, Array], Array]) -> Operator[Extremum]:
    name = kind.lower()

    def reference(_: Extremum, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (function(inputs[0], inputs[1]),)

    kernels = {"int8": (f"tinykd_{name}_s8", f"{name}.c"), "int16": (f"tinykd_{name}_s16", f"{name}_s16.c")}

    def call(p: Extremum) -> Call:
        function, source = kernels[p.dtype]
        return Call(function=function, struct="tinykd_pairs", fields=dict(p.loops.fields()), source=source, inputs=(0, 1))

    def cases(rng: np.random.Generator) -> Case:
        quant = sampling.quant(rng)
        dtype = str(rng.choice(["int8", "int8", "int16"]))
        return sampling.binary(rng, kind, None, sampling.broadcast_shapes(rng), (quant, quant, quant), dtype)

    return Operator(
        kind=kind,
        code=code,
        options_code=0,
        options=None,
        summary=f"{name} of two int8 or int16 tensors of one scale, with broadcasting",
        lower=lower,
        reference=reference,
        call=call,
        macs=macs,
        cases=cases,
        distances=distances,
    )


MAXIMUM = _operator("MAXIMUM", 55, np.maximum)
MINIMUM = _operator("MINIMUM", 57, np.minimum)
