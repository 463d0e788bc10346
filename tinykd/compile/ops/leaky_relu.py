"""LEAKY_RELU: x, or alpha * x below zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class LeakyReluOptions:
    alpha: float = slot(0, "float32", 0.0)


@dataclass(frozen=True)
class WideLeakyRelu:
    """Integers of a leaky ReLU of int16, which is too wide for a table; both zero points are 0."""

    elements: int
    positive: tuple[int, int]
    negative: tuple[int, int]


def lower(graph: Graph, op: Op, _: Rounding) -> Lookup | WideLeakyRelu:
    """Source: LiteRT `LeakyReluPrepare`: both multipliers are float32 quotients."""
    source, incoming, result, outgoing = lookup.ends(graph, op, ("int8", "int16"))
    dtype = requirements.one_dtype(graph, op, (source, result))
    alpha = op.options.alpha
    if not np.isfinite(alpha) or alpha < 0:
        raise UnsupportedModel(f"{graph.label(op)} has alpha {alpha}, the kernel takes alpha >= 0")
    scale_in, scale_out = np.float32(incoming.scale), np.float32(outgoing.scale)
    positive = quantize_multiplier(float(scale_in / scale_out))
    negative = quantize_multiplier(float(scale_in * np.float32(alpha) / scale_out))
    # 8 more bits than a byte leave 8 fewer for the left shift
    lookup.fits(graph, op, max(positive[1], negative[1]) + (8 if dtype == "int16" else 0))
    if dtype == "int16":
        return WideLeakyRelu(source.elements, positive, negative)

    def function(q: Int64) -> Int64:
        return leaky(q - incoming.zero_point, positive, negative) + outgoing.zero_point

    return lookup.lookup(source, result, function)


def leaky(x: Int64, positive: tuple[int, int], negative: tuple[int, int]) -> Int64:
    """Integers less their zero point, on the output's scale."""
    return np.asarray(np.where(x >= 0, requantize(x, *positive), requantize(x, *negative)), np.int64)


def reference(p: Lookup | WideLeakyRelu, inputs: Sequence[Array]) -> tuple[Array, ...]:
    if isinstance(p, Lookup):
        return lookup.reference(p, inputs)
    return (np.clip(leaky(inputs[0].astype(np.int64), p.positive, p.negative), -32768, 32767).astype(np.int16),)


def call(p: Lookup | WideLeakyRelu) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    return Call(
        function="tinykd_leaky_relu_s16",
        struct="tinykd_leaky_relu",
        fields={
            "elements": p.elements,
            "positive_multiplier": p.positive[0],
            "positive_shift": p.positive[1],
            "negative_multiplier": p.negative[0],
            "negative_shift": p.negative[1],
        },
        source="leaky_relu.c",
    )


def macs(_: Lookup | WideLeakyRelu) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    alpha = float(np.float32(rng.choice([0.01, 0.1, 0.2, 0.3, 0.5, 1.0, 1.5, rng.uniform(0, 2)])))
    incoming = sampling.quant(rng)
    outgoing = incoming if rng.random() < 0.3 else sampling.output_quant(rng, incoming.scale * 128)
    if rng.random() < 0.75:
        return lookup.case(rng, "LEAKY_RELU", LeakyReluOptions(alpha), outgoing, incoming)
    x = sampling.integers(rng, (3, 40), "int16")
    tensors = [
        Tensor("input", x.shape, "int16", sampling.quant_for(incoming, "int16")),
        Tensor("output", x.shape, "int16", sampling.quant_for(outgoing, "int16")),
    ]
    return sampling.single("LEAKY_RELU", LeakyReluOptions(alpha), tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="LEAKY_RELU",
    code=98,
    options_code=75,
    options=LeakyReluOptions,
    summary="x, or alpha * x below zero; int8 by table, int16",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=lookup.distances,
)
