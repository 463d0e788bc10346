"""RSQRT: 1 / sqrt(x)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Graph, Op
from tinykd.compile.inverse_root import inverse_root
from tinykd.compile.ops import lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.errors import UnsupportedModel

_SHIFT = 20
"""Bits that keep the root of a single quantum an integer."""


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `RsqrtEvalQuantizedInt8`. Zero gives the largest integer; below zero, where LiteRT stops, so do we."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    root = float(np.sqrt(np.float32(incoming.scale)))
    multiplier, shift = quantize_multiplier(1.0 / float(np.float32(root) * np.float32(outgoing.scale)))
    if not -11 <= shift <= _SHIFT + 9:
        raise UnsupportedModel(f"{graph.label(op)}: scales {incoming.scale:.3g} and {outgoing.scale:.3g} leave the fixed-point range")

    def one(x: int) -> int:
        if x <= 0:
            return 127
        significand, exponent = inverse_root(x)
        raised = int(requantize(1, significand, exponent + _SHIFT))
        return int(requantize(raised, multiplier, shift - _SHIFT)) + outgoing.zero_point

    def function(q: Int64) -> Int64:
        return np.array([one(int(x)) for x in q - incoming.zero_point], np.int64)

    return lookup.lookup(source, result, function)


def cases(rng: np.random.Generator) -> Case:
    incoming = replace(sampling.quant(rng), zero_points=(-128,))  # LiteRT refuses negative values
    return lookup.case(rng, "RSQRT", None, sampling.output_quant(rng, 0.3 / float(np.sqrt(incoming.scale))), incoming)


OPERATOR = Operator(
    kind="RSQRT",
    code=76,
    options_code=0,
    options=None,
    summary="1 / sqrt(x), by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
