"""MUL: product of two int8 or int16 tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant
from tinykd.compile.ops import activation, requirements, sampling
from tinykd.compile.ops.add import SUFFIXES
from tinykd.compile.ops.broadcast import Broadcast, broadcast, distances
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

LEFTMOST_SHIFT = 14
"""A product of bytes is at most 255 * 255 < 2**16; shifted so far it stays in 32 bits with room for a zero point."""

LEFTMOST_SHIFTS = {"int8": LEFTMOST_SHIFT, "int16": 0}
"""The same for every dtype of the kernel; a product of int16 is at most 2**30."""


@dataclass(frozen=True)
class MulOptions:
    fused_activation: int = slot(0, "int8", 0)


@dataclass(frozen=True)
class Product:
    """Integers of a product: (a - a_zero_point) * (b - b_zero_point), requantized."""

    dtype: str
    elements: int
    loops: Broadcast
    a_zero_point: int
    b_zero_point: int
    output_zero_point: int
    output_multiplier: int
    output_shift: int
    clamp: tuple[int, int]


def product_multiplier(a: Quant, b: Quant, result: Quant, rounding: Rounding) -> tuple[int, int]:
    """Significand and shift of a.scale * b.scale / result.scale, in float32 by LiteRT and in float64 by TFLite Micro."""
    if rounding == "double":
        return quantize_multiplier(a.scale * b.scale / result.scale)
    return quantize_multiplier(float(np.float32(a.scale) * np.float32(b.scale) / np.float32(result.scale)))


def lower(graph: Graph, op: Op, rounding: Rounding) -> Product:
    requirements.counts(graph, op, (2,))
    a, b = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    dtypes = tuple(LEFTMOST_SHIFTS)
    a_quant, b_quant = requirements.quantized(graph, op, a, dtypes), requirements.quantized(graph, op, b, dtypes)
    outgoing = requirements.quantized(graph, op, result, dtypes)
    dtype = requirements.one_dtype(graph, op, (a, b, result))
    multiplier, shift = product_multiplier(a_quant, b_quant, outgoing, rounding)
    if shift > LEFTMOST_SHIFTS[dtype]:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is too fine for {a_quant.scale:.3g} * {b_quant.scale:.3g}",
            "calibrate with representative data",
        )
    return Product(
        dtype=dtype,
        elements=result.elements,
        loops=broadcast(graph, op, a, b, result),
        a_zero_point=a_quant.zero_point,
        b_zero_point=b_quant.zero_point,
        output_zero_point=outgoing.zero_point,
        output_multiplier=multiplier,
        output_shift=shift,
        clamp=activation.clamp(graph, op, op.options.fused_activation, outgoing, dtype),
    )


def reference(p: Product, inputs: Sequence[Array]) -> tuple[Array, ...]:
    a, b = (x.astype(np.int64) for x in inputs)
    scaled = requantize((a - p.a_zero_point) * (b - p.b_zero_point), p.output_multiplier, p.output_shift)
    return (np.clip(scaled + p.output_zero_point, *p.clamp).astype(p.dtype),)


def call(p: Product) -> Call:
    return Call(
        function=f"tinykd_mul_{SUFFIXES[p.dtype]}",
        struct="tinykd_product",
        fields={
            **p.loops.fields(),
            "a_zero_point": p.a_zero_point,
            "b_zero_point": p.b_zero_point,
            "output_zero_point": p.output_zero_point,
            "output_multiplier": p.output_multiplier,
            "output_shift": p.output_shift,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
        },
        source="mul.c",
        inputs=(0, 1),
    )


def macs(p: Product) -> int:
    return p.elements


def cases(rng: np.random.Generator) -> Case:
    a, b = sampling.quant(rng), sampling.quant(rng)
    outgoing = sampling.output_quant(rng, 128 * 128 * a.scale * b.scale)
    if rng.random() < 0.3:  # a multiplier of 2**-k makes exact ties
        outgoing = sampling.with_scale(outgoing, a.scale * b.scale * 2.0 ** int(rng.integers(0, 9)))
    code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    if rng.random() < 0.25:
        wide = sampling.with_scale(outgoing, max(outgoing.scale, a.scale * b.scale) / 16)  # LiteRT multiplies by less than 1
        return sampling.binary(rng, "MUL", MulOptions(code), sampling.broadcast_shapes(rng), (a, b, wide), "int16")
    return sampling.binary(rng, "MUL", MulOptions(code), sampling.broadcast_shapes(rng), (a, b, outgoing))


OPERATOR = Operator(
    kind="MUL",
    code=18,
    options_code=21,
    options=MulOptions,
    summary="product with broadcasting, fused clamp",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
