"""GELU: x times the normal distribution's cumulative probability, exactly or through tanh."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinykd.compile import libm
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import float_table, lookup, sampling
from tinykd.compile.ops.float_table import Float32
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.schema import slot

_HALF, _ONE = np.float32(0.5), np.float32(1)


@dataclass(frozen=True)
class GeluOptions:
    approximate: int = slot(0, "bool", 0)


def _exact(x: Float32) -> Float32:
    return np.asarray(_HALF * x * libm.evaluate("erfcf", x * np.float32(-math.sqrt(0.5))), np.float32)


def _approximate(x: Float32) -> Float32:
    argument = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(_HALF * x * (_ONE + libm.evaluate("tanhf", argument)), np.float32)


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `GeluTransform` and `GeluTransformApproximate`, in float32."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    return float_table.tabulate(source, incoming, result, outgoing, _approximate if op.options.approximate else _exact)


def cases(rng: np.random.Generator) -> Case:
    return lookup.case(rng, "GELU", GeluOptions(int(rng.integers(0, 2))), None, sampling.quant(rng, low=1e-3, high=0.3))


OPERATOR = Operator(
    kind="GELU",
    code=150,
    options_code=116,
    options=GeluOptions,
    summary="Gaussian error linear unit, exact or approximate, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
