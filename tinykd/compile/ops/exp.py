"""EXP: e to the power of x."""

from __future__ import annotations

import numpy as np

from tinykd.compile import libm
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import float_table, lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `exp::Prepare`: a table for int8."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    return float_table.tabulate(source, incoming, result, outgoing, lambda x: libm.evaluate("expf", x))


def cases(rng: np.random.Generator) -> Case:
    incoming = sampling.quant(rng, low=1e-3, high=0.1)
    return lookup.case(rng, "EXP", None, sampling.output_quant(rng, float(np.exp(incoming.scale * 60))), incoming)


OPERATOR = Operator(
    kind="EXP",
    code=47,
    options_code=0,
    options=None,
    summary="exponential function, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
