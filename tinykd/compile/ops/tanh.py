"""TANH: hyperbolic tangent."""

from __future__ import annotations

import numpy as np

from tinykd.compile import exponential, libm
from tinykd.compile.fixed_point import Int64, Rounding, rounding_shift_right
from tinykd.compile.graph import Graph, Op, Quant
from tinykd.compile.ops import float_table, lookup, requirements, sampling, sigmoid_table
from tinykd.compile.ops.logistic import scaled_argument
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.sigmoid_table import Sigmoid
from tinykd.errors import UnsupportedModel


def fixed_point(q: Int64, incoming: Quant) -> Int64:
    """TFLite Micro's result for a scale of 1/128 and a zero point of 0. Source: `reference_integer_ops::Tanh`."""
    argument, radius = scaled_argument(q, incoming)
    # tanh(x) = (1 - exp(-2x)) / (1 + exp(-2x)); doubling the argument moves it from 4 integer bits to 5
    magnitude = exponential.one_minus_over_one_plus(exponential.exp_of_negative(-np.abs(argument), 5))
    value = np.where(argument == 0, 0, np.sign(argument) * magnitude)
    result = np.clip(rounding_shift_right(np.asarray(value, np.int64), np.int64(31 - 7)), -128, 127)
    x = q - incoming.zero_point
    return np.asarray(np.where(x <= -radius, -128, np.where(x >= radius, 127, result)), np.int64)


def lower(graph: Graph, op: Op, rounding: Rounding) -> Lookup | Sigmoid:
    source, incoming, result, outgoing = lookup.ends(graph, op, ("int8", "int16"))
    if requirements.one_dtype(graph, op, (source, result)) == "int16":
        return sigmoid_table.sigmoid(graph, op, source, incoming, outgoing, left_shifts=(0, 1))
    if rounding == "single":
        return float_table.tabulate(source, incoming, result, outgoing, lambda x: libm.evaluate("tanhf", x))
    if outgoing.scale != 1 / 128 or outgoing.zero_point != 0:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output has scale {outgoing.scale} and zero point {outgoing.zero_point}; "
            "TFLite Micro computes 1/128 and 0 only",
            "use --rounding single",
        )
    return lookup.lookup(source, result, lambda q: fixed_point(q, incoming))


def cases(rng: np.random.Generator) -> Case:
    if rng.random() < 0.3:
        return sigmoid_table.case(rng, "TANH")
    incoming = sampling.quant(rng, low=1e-4, high=1.0)
    return lookup.case(rng, "TANH", None, Quant((1 / 128,), (0,)), incoming)


OPERATOR = Operator(
    kind="TANH",
    code=28,
    options_code=0,
    options=None,
    summary="hyperbolic tangent; int8 by table, int16 by lines between 256 points",
    lower=lower,
    reference=sigmoid_table.reference,
    call=sigmoid_table.call,
    macs=sigmoid_table.macs,
    cases=cases,
    distances=sigmoid_table.distances,
)
