"""DIV by a constant: a function of one byte, so a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.exponential import one_over_one_plus
from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, rounding_high_multiply, rounding_shift_right
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import activation, lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class DivOptions:
    fused_activation: int = slot(0, "int8", 0)


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup:
    """Source: LiteRT `DivElementwise`: the divisor's reciprocal by Newton's method, the scales' ratio in float32."""
    requirements.counts(graph, op, (2,))
    source, divisor = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    below = requirements.quantized(graph, op, divisor)
    values = np.unique(requirements.constant(graph, op, divisor, ("int8",)))
    requirements.shaped(graph, op, result, source.shape)
    if values.size != 1:
        raise UnsupportedModel(f"{graph.label(op)} divides by '{divisor.name}', which holds several values", "multiply by the reciprocals")
    by = int(values[0]) - below.zero_point
    if by == 0 or not source.elements:
        raise UnsupportedModel(f"{graph.label(op)} divides by zero, or nothing")
    ratio = np.float32(incoming.scale) / (np.float32(below.scale) * np.float32(outgoing.scale))
    multiplier, shift = quantize_multiplier(float(ratio))
    bits = abs(by).bit_length()
    reciprocal = one_over_one_plus(np.array([(abs(by) << (32 - bits)) - (1 << 31)], np.int64))
    low, high = activation.clamp(graph, op, op.options.fused_activation, outgoing)

    def quotient(q: Int64) -> Int64:
        x = (q - incoming.zero_point) * (1 if by > 0 else -1)
        headroom = 31 - np.array([int(v).bit_length() if v >= 0 else int(~v).bit_length() for v in x], np.int64)
        exponents = (bits - 1) + headroom - shift
        if exponents.min() < 0 or exponents.max() > 31:
            raise UnsupportedModel(f"{graph.label(op)}: the quotients leave the output's scale", "calibrate with representative data")
        unscaled = rounding_high_multiply(x << headroom, reciprocal)
        scaled = rounding_shift_right(rounding_high_multiply(unscaled, np.array(multiplier)), exponents)
        return np.asarray(np.clip(scaled + outgoing.zero_point, low, high), np.int64)

    return lookup.lookup(source, result, quotient)


def cases(rng: np.random.Generator) -> Case:
    incoming, below = sampling.quant(rng), sampling.quant(rng)
    by = int(rng.choice([v for v in range(-128, 128) if v != below.zero_point]))
    # about 1/2 to 2 output steps for each step of the quotient keeps LiteRT's shifts within 31 bits
    step = incoming.scale / (below.scale * abs(by - below.zero_point))
    outgoing = sampling.with_scale(sampling.quant(rng), step * float(rng.uniform(0.6, 1.9)))
    x = lookup.every_byte(rng)
    shape = (1,) * int(rng.integers(0, 2))
    tensors = [
        Tensor("input", x.shape, "int8", incoming),
        Tensor("divisor", shape, "int8", below, np.full(shape, by, np.int8)),
        Tensor("output", x.shape, "int8", outgoing),
    ]
    options = DivOptions(int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU6])))
    return sampling.single("DIV", options, tensors, (0, 1), (2,), (x,))


OPERATOR = Operator(
    kind="DIV",
    code=42,
    options_code=29,
    options=DivOptions,
    summary="division by a constant, by table",
    lower=lower,
    reference=lookup.reference,
    call=lookup.call,
    macs=lookup.macs,
    cases=cases,
    distances=lookup.distances,
)
