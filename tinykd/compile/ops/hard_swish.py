"""HARD_SWISH: x * relu6(x + 3) / 6, in 16-bit fixed point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, rounding_shift_right
from tinykd.compile.graph import Graph, Op, Quant
from tinykd.compile.ops import lookup, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.errors import UnsupportedModel

_HIGH = 7
"""Inputs are raised by this many bits to fill 16."""


@dataclass(frozen=True)
class HardSwish:
    """16-bit multipliers: `output` from raised inputs to the output's scale, `gate` from raised inputs to [-1, 1] for [-3, 3]."""

    output_multiplier: int
    output_shift: int
    gate_multiplier: int
    gate_shift: int


def _int16_multiplier(real: np.float32) -> tuple[int, int]:
    multiplier, shift = quantize_multiplier(float(real))
    return (32767 if multiplier >= (1 << 31) - (1 << 15) else (multiplier + (1 << 15)) >> 16), shift


def _rounding_high_multiply_16(a: Int64, b: int) -> Int64:
    """round(a * b / 2**15), ties as gemmlowp's 16-bit SaturatingRoundingDoublingHighMul breaks them."""
    product = a * b
    total = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.asarray(np.sign(total) * (np.abs(total) >> 15), np.int64)


def _saturated(x: Int64) -> Int64:
    return np.asarray(np.clip(x, -32768, 32767), np.int64)


def parameters(incoming: Quant, outgoing: Quant) -> HardSwish:
    """Source: LiteRT `HardSwishPrepare`, in float32."""
    raised = np.float32(1 / 128) * np.float32(incoming.scale)
    gate = np.float32(3.0) / np.float32(32768.0)
    return HardSwish(*_int16_multiplier(raised / np.float32(outgoing.scale)), *_int16_multiplier(raised / gate))


def hard_swish(p: HardSwish, x: Int64) -> Int64:
    """The output before its zero point, for inputs less their zero point. Source: LiteRT `reference_ops::HardSwish`."""
    raised = x << _HIGH
    unshifted = _rounding_high_multiply_16(raised, p.output_multiplier)
    gate = raised
    if p.gate_shift > 0:
        gate = _saturated(gate << (p.gate_shift - 1))
    gate = _rounding_high_multiply_16(gate, p.gate_multiplier)
    if p.gate_shift > 0:
        gate = _saturated(gate << 1)
    if p.gate_shift < 0:
        gate = rounding_shift_right(gate, np.int64(-p.gate_shift))
    gate = (gate + (1 << 15)) >> 1
    product = gate * unshifted
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return rounding_shift_right(truncated, np.int64(-p.output_shift))


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    source, incoming, result, outgoing = lookup.ends(graph, op)
    p = parameters(incoming, outgoing)
    # LiteRT refuses left shifts; right shifts beyond 15 leave its 16-bit rounding undefined
    if not -15 <= p.output_shift <= 0 or not -15 <= p.gate_shift <= 16:
        raise UnsupportedModel(
            f"{graph.label(op)}: input scale {incoming.scale:.3g} and output scale {outgoing.scale:.3g} are too far apart",
            "calibrate with representative data",
        )
    return lookup.lookup(source, result, lambda q: hard_swish(p, q - incoming.zero_point) + outgoing.zero_point)


def cases(rng: np.random.Generator) -> Case:
    incoming = sampling.quant(rng, low=1e-2, high=0.3)
    outgoing = sampling.with_scale(sampling.quant(rng), incoming.scale * float(rng.choice([0.3, 0.7, 1.0, 1.6])))
    return lookup.case(rng, "HARD_SWISH", None, outgoing, incoming)


OPERATOR = Operator(
    kind="HARD_SWISH",
    code=117,
    options_code=0,
    options=None,
    summary="x * relu6(x + 3) / 6, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
