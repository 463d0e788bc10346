"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1: clamps that also requantize."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import activation, lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator

_REAL_RANGES: dict[str, tuple[float, float]] = {
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
_CODES = {"RELU": 19, "RELU6": 21, "RELU_N1_TO_1": 20, "RELU_0_TO_1": 152}


def lower(graph: Graph, op: Op, rounding: Rounding) -> Lookup:
    """Source: LiteRT `QuantizedReluX`; the ratio of the scales is a float32.

    TFLite Micro's RELU6 clamps on the input's scale and does not requantize; the two differ only where a converter gave
    input and output different quantization.
    """
    source, incoming, result, outgoing = lookup.ends(graph, op)
    real_low, real_high = _REAL_RANGES[op.kind]
    if rounding == "double" and op.kind == "RELU6":
        return lookup.lookup(source, result, lambda q: np.clip(q, incoming.zero_point, activation.quantized(real_high, incoming)))
    low = max(-128, activation.quantized(real_low, outgoing))
    high = 127 if math.isinf(real_high) else min(127, activation.quantized(real_high, outgoing))
    ratio = float(np.float32(incoming.scale) / np.float32(outgoing.scale))
    multiplier, shift = quantize_multiplier(ratio)
    lookup.fits(graph, op, shift)
    return lookup.lookup(
        source,
        result,
        lambda q: np.clip(requantize(q - incoming.zero_point, multiplier, shift) + outgoing.zero_point, low, high),
    )


def _cases(kind: str) -> Callable[[np.random.Generator], Case]:
    def cases(rng: np.random.Generator) -> Case:
        incoming = sampling.quant(rng)
        outgoing = incoming if rng.random() < 0.5 else sampling.output_quant(rng, incoming.scale * 128)
        return lookup.case(rng, kind, None, outgoing, incoming)

    return cases


def _operator(kind: str, summary: str) -> Operator[Lookup]:
    return Operator(
        kind=kind,
        code=_CODES[kind],
        options_code=0,
        options=None,
        summary=summary,
        lower=lower,
        reference=lookup.reference,
        call=lookup.call,
        macs=lookup.macs,
        cases=_cases(kind),
        distances=lookup.distances,
    )


RELU = _operator("RELU", "max(x, 0), by table")
RELU6 = _operator("RELU6", "x within [0, 6], by table")
RELU_N1_TO_1 = _operator("RELU_N1_TO_1", "x within [-1, 1], by table")
RELU_0_TO_1 = _operator("RELU_0_TO_1", "x within [0, 1], by table")
