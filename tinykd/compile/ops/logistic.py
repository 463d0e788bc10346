"""LOGISTIC: 1 / (1 + exp(-x))."""

from __future__ import annotations

import math

import numpy as np

from tinykd.compile import exponential, libm
from tinykd.compile.fixed_point import Int64, Rounding, requantize, rounding_shift_right
from tinykd.compile.graph import Graph, Op, Quant
from tinykd.compile.ops import float_table, lookup, requirements, sampling, sigmoid_table
from tinykd.compile.ops.float_table import Float32
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.sigmoid_table import Sigmoid
from tinykd.errors import UnsupportedModel

_INTEGER_BITS = 4
"""TFLite Micro's argument is in Q4.27: beyond +-16 the result is 0 or 1."""


def _float32(x: Float32) -> Float32:
    with np.errstate(over="ignore"):
        return np.asarray(np.float32(1) / (np.float32(1) + libm.evaluate("expf", -x)), np.float32)


def scaled_argument(q: Int64, incoming: Quant) -> tuple[Int64, int]:
    """TFLite Micro's argument in Q4.27, and the distance from the zero point beyond which the function saturates.

    Source: TFLite Micro `CalculateArithmeticOpDataLogistic`.
    """
    fraction, shift = math.frexp(incoming.scale * (1 << (31 - _INTEGER_BITS)))
    multiplier = min(math.floor(fraction * (1 << 31) + 0.5), (1 << 31) - 1)
    radius = math.floor(((1 << _INTEGER_BITS) - 1) * (1 << (31 - _INTEGER_BITS)) / 2.0**shift)
    inside = np.clip(q - incoming.zero_point, -radius, radius)
    return requantize(inside, multiplier, shift), radius


def fixed_point(q: Int64, incoming: Quant) -> Int64:
    """TFLite Micro's result for a scale of 1/256 and a zero point of -128. Source: `reference_integer_ops::Logistic`."""
    argument, radius = scaled_argument(q, incoming)
    positive = exponential.one_over_one_plus(exponential.exp_of_negative(-np.abs(argument), _INTEGER_BITS))
    value = np.where(argument > 0, positive, exponential.ONE - positive)
    value = np.where(argument == 0, 1 << 30, value)
    result = np.clip(rounding_shift_right(value, np.int64(31 - 8)) - 128, -128, 127)
    x = q - incoming.zero_point
    return np.asarray(np.where(x <= -radius, -128, np.where(x >= radius, 127, result)), np.int64)


def lower(graph: Graph, op: Op, rounding: Rounding) -> Lookup | Sigmoid:
    source, incoming, result, outgoing = lookup.ends(graph, op, ("int8", "int16"))
    if requirements.one_dtype(graph, op, (source, result)) == "int16":
        return sigmoid_table.sigmoid(graph, op, source, incoming, outgoing, left_shifts=(0,))
    if outgoing.scale != 1 / 256 or outgoing.zero_point != -128:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output has scale {outgoing.scale} and zero point {outgoing.zero_point}, not 1/256 and -128"
        )
    if rounding == "single":
        return float_table.tabulate(source, incoming, result, outgoing, _float32)
    return lookup.lookup(source, result, lambda q: fixed_point(q, incoming))


def cases(rng: np.random.Generator) -> Case:
    if rng.random() < 0.3:
        return sigmoid_table.case(rng, "LOGISTIC")
    incoming = sampling.quant(rng, low=1e-4, high=1.0)
    return lookup.case(rng, "LOGISTIC", None, Quant((1 / 256,), (-128,)), incoming)


OPERATOR = Operator(
    kind="LOGISTIC",
    code=14,
    options_code=0,
    options=None,
    summary="1 / (1 + exp(-x)); int8 by table, int16 by lines between 256 points",
    lower=lower,
    reference=sigmoid_table.reference,
    call=sigmoid_table.call,
    macs=sigmoid_table.macs,
    cases=cases,
    distances=sigmoid_table.distances,
)
