"""LOG: natural logarithm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile import libm
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import float_table, lookup, sampling
from tinykd.compile.ops.float_table import Float32
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `LogLUTPrepare`: the lowest output stands for everything up to zero."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    lowest = np.float32(-128 - outgoing.zero_point) * np.float32(outgoing.scale)

    def logarithm(x: Float32) -> Float32:
        inside = np.where(x > 0, x, np.float32(1))
        return np.asarray(np.where(x > 0, libm.evaluate("logf", inside), lowest), np.float32)

    return float_table.tabulate(source, incoming, result, outgoing, logarithm)


def cases(rng: np.random.Generator) -> Case:
    incoming = sampling.quant(rng)
    if rng.random() < 0.5:
        incoming = replace(incoming, zero_points=(-128,))
    return lookup.case(rng, "LOG", None, sampling.output_quant(rng, 3.0), incoming)


OPERATOR = Operator(
    kind="LOG",
    code=73,
    options_code=0,
    options=None,
    summary="natural logarithm, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
