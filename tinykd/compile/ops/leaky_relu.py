"""LEAKY_RELU: x, or alpha * x below zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class LeakyReluOptions:
    alpha: float = slot(0, "float32", 0.0)


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `LeakyReluPrepare`: both multipliers are float32 quotients."""
    source, incoming, result, outgoing = lookup.ends(graph, op)
    alpha = op.options.alpha
    if not np.isfinite(alpha) or alpha < 0:
        raise UnsupportedModel(f"{graph.label(op)} has alpha {alpha}, the kernel takes alpha >= 0")
    scale_in, scale_out = np.float32(incoming.scale), np.float32(outgoing.scale)
    multiplier, shift = quantize_multiplier(float(scale_in / scale_out))
    below_multiplier, below_shift = quantize_multiplier(float(scale_in * np.float32(alpha) / scale_out))
    lookup.fits(graph, op, max(shift, below_shift))

    def leaky(q: Int64) -> Int64:
        x = q - incoming.zero_point
        scaled = np.where(x >= 0, requantize(x, multiplier, shift), requantize(x, below_multiplier, below_shift))
        return np.asarray(scaled + outgoing.zero_point, np.int64)

    return lookup.lookup(source, result, leaky)


def cases(rng: np.random.Generator) -> Case:
    alpha = float(np.float32(rng.choice([0.01, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, rng.uniform(0, 2)])))
    incoming = sampling.quant(rng)
    outgoing = incoming if rng.random() < 0.3 else sampling.output_quant(rng, incoming.scale * 128)
    return lookup.case(rng, "LEAKY_RELU", LeakyReluOptions(alpha), outgoing, incoming)


OPERATOR = Operator(
    kind="LEAKY_RELU",
    code=98,
    options_code=75,
    options=LeakyReluOptions,
    summary="x, or alpha * x below zero, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
)
