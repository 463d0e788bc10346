"""PRELU: x, or alpha * x below zero, alpha being a tensor (usually one value a channel)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.mul import LEFTMOST_SHIFT, product_multiplier
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class Prelu:
    """Integers of a PReLU; `positive` scales x, `negative` scales x * alpha."""

    elements: int
    loops: Broadcast
    input_zero_point: int
    alpha_zero_point: int
    output_zero_point: int
    positive: tuple[int, int]
    negative: tuple[int, int]


def lower(graph: Graph, op: Op, rounding: Rounding) -> Prelu:
    """Source: LiteRT `PreluPrepare`: the multipliers are float32 quotients, in TFLite Micro float64."""
    requirements.counts(graph, op, (2,))
    source, alpha = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    incoming, slope = requirements.quantized(graph, op, source), requirements.quantized(graph, op, alpha)
    outgoing = requirements.quantized(graph, op, result)
    requirements.shaped(graph, op, result, source.shape)
    ratio = incoming.scale / outgoing.scale if rounding == "double" else float(np.float32(incoming.scale) / np.float32(outgoing.scale))
    positive, negative = quantize_multiplier(ratio), product_multiplier(incoming, slope, outgoing, rounding)
    lookup.fits(graph, op, positive[1])
    if negative[1] > LEFTMOST_SHIFT:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is too fine", "calibrate with representative data"
        )
    return Prelu(
        elements=result.elements,
        loops=broadcast(graph, op, source, alpha, result),
        input_zero_point=incoming.zero_point,
        alpha_zero_point=slope.zero_point,
        output_zero_point=outgoing.zero_point,
        positive=positive,
        negative=negative,
    )


def reference(p: Prelu, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x, alpha = inputs[0].astype(np.int64) - p.input_zero_point, inputs[1].astype(np.int64) - p.alpha_zero_point
    scaled = np.where(x >= 0, requantize(x, *p.positive), requantize(x * alpha, *p.negative))
    return (np.clip(scaled + p.output_zero_point, -128, 127).astype(np.int8),)


def call(p: Prelu) -> Call:
    return Call(
        function="tinykd_prelu_s8",
        struct="tinykd_prelu",
        fields={
            **p.loops.fields(),
            "input_zero_point": p.input_zero_point,
            "alpha_zero_point": p.alpha_zero_point,
            "output_zero_point": p.output_zero_point,
            "positive_multiplier": p.positive[0],
            "positive_shift": p.positive[1],
            "negative_multiplier": p.negative[0],
            "negative_shift": p.negative[1],
        },
        source="prelu.c",
        inputs=(0, 1),
    )


def macs(p: Prelu) -> int:
    return p.elements


def cases(rng: np.random.Generator) -> Case:
    incoming, slope = sampling.quant(rng), sampling.quant(rng)
    outgoing = sampling.output_quant(rng, 128 * incoming.scale)
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    alphas = (shape, shape[-1:], (1,) * (len(shape) - 1) + shape[-1:], (1,))[int(rng.integers(0, 4))]
    return sampling.binary(rng, "PRELU", None, (shape, alphas), (incoming, slope, outgoing))


OPERATOR = Operator(
    kind="PRELU",
    code=54,
    options_code=0,
    options=None,
    summary="x, or alpha * x below zero, alpha broadcast",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
