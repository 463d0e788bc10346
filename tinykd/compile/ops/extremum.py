"""MAXIMUM and MINIMUM: the larger or smaller integer of two int8 tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.operator import Call, Case, Operator


def lower(graph: Graph, op: Op, _: Rounding) -> Broadcast:
    """Like LiteRT, compares integers without rescaling: converters give all three tensors one quantization."""
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (a, b, result):
        requirements.quantized(graph, op, tensor)
    return broadcast(graph, op, a, b, result)


def macs(_: Broadcast) -> int:
    return 0


def _operator(kind: str, code: int, function: Callable[[Array, Array], Array]) -> Operator[Broadcast]:
    name = kind.lower()

    def reference(_: Broadcast, inputs: Sequence[Array]) -> tuple[Array, ...]:
        return (function(inputs[0], inputs[1]),)

    def call(p: Broadcast) -> Call:
        return Call(function=f"tinykd_{name}_s8", struct="tinykd_pairs", fields=dict(p.fields()), source=f"{name}.c", inputs=(0, 1))

    def cases(rng: np.random.Generator) -> Case:
        quant = sampling.quant(rng)
        return sampling.binary(rng, kind, None, sampling.broadcast_shapes(rng), (quant, quant, quant))

    return Operator(
        kind=kind,
        code=code,
        options_code=0,
        options=None,
        summary=f"{name} of two tensors of one scale, with broadcasting",
        lower=lower,
        reference=reference,
        call=call,
        macs=macs,
        cases=cases,
        distances=distances,
    )


MAXIMUM = _operator("MAXIMUM", 55, np.maximum)
MINIMUM = _operator("MINIMUM", 57, np.minimum)
