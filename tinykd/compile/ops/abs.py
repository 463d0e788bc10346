"""ABS: absolute value."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `AbsEvalQuantized`; the ratio of the scales is a float32, and equal scales are not multiplied."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    multiplier, shift = quantize_multiplier(float(np.float32(incoming.scale) / np.float32(outgoing.scale)))
    lookup.fits(graph, op, shift)

    def absolute(q: Int64) -> Int64:
        magnitude = np.abs(q - incoming.zero_point)
        return (magnitude if incoming.scale == outgoing.scale else requantize(magnitude, multiplier, shift)) + outgoing.zero_point

    return lookup.lookup(source, result, absolute)


def cases(rng: np.random.Generator) -> Case:
    incoming = sampling.quant(rng)
    outgoing = sampling.with_scale(sampling.quant(rng), incoming.scale) if rng.random() < 0.5 else None
    return lookup.case(rng, "ABS", None, outgoing, incoming)


OPERATOR = Operator(
    kind="ABS",
    code=101,
    options_code=0,
    options=None,
    summary="absolute value, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
