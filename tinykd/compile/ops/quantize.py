"""QUANTIZE: float32 to bytes at the model's input, or bytes on one scale to bytes on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator


@dataclass(frozen=True)
class QuantizeFloat:
    """q = saturate(round(x / scale) + zero_point), the division in float32 and ties away from zero.

    Ratios beyond 32 bits saturate; LiteRT's cast of them is undefined.
    """

    elements: int
    dtype: str
    scale: float
    zero_point: int


def lower(graph: Graph, op: Op, _: Rounding) -> QuantizeFloat | Lookup:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    if source.dtype != "float32":
        source, incoming, result, outgoing = lookup.ends(graph, op, lookup.BYTES)
        return lookup.lookup(source, result, lambda q: lookup.requantized(graph, op, q, incoming, outgoing))
    outgoing = requirements.quantized(graph, op, result, lookup.BYTES)
    requirements.shaped(graph, op, result, source.shape)
    return QuantizeFloat(source.elements, result.dtype, outgoing.scale, outgoing.zero_point)


def reference(p: QuantizeFloat | Lookup, inputs: Sequence[Array]) -> tuple[Array, ...]:
    if isinstance(p, Lookup):
        return lookup.reference(p, inputs)
    with np.errstate(over="ignore"):
        ratio = inputs[0] / np.float32(p.scale)
    bounded = np.clip(np.nan_to_num(ratio, nan=-512.0), np.float32(-512), np.float32(512))
    whole = np.trunc(bounded)
    rest = bounded - whole
    rounded = whole.astype(np.int64) + (rest >= 0.5) - (rest <= -0.5) + p.zero_point
    limits = np.iinfo(p.dtype)
    return (np.clip(rounded, int(limits.min), int(limits.max)).astype(p.dtype),)


_FUNCTIONS = {"int8": "tinykd_quantize_s8", "uint8": "tinykd_quantize_u8"}


def call(p: QuantizeFloat | Lookup) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    return Call(
        function=_FUNCTIONS[p.dtype],
        struct="tinykd_affine",
        fields={"elements": p.elements, "zero_point": p.zero_point, "scale_bits": int(np.float32(p.scale).view(np.int32))},
        source="quantize.c",
    )


def macs(_: QuantizeFloat | Lookup) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    if rng.random() < 0.5:
        source_type, result_type = (str(name) for name in rng.choice(lookup.BYTES, 2))
        incoming = sampling.quant(rng)
        outgoing = incoming if rng.random() < 0.3 else sampling.output_quant(rng, incoming.scale * 128)
        raw = lookup.every_byte(rng, source_type)
        tensors = [
            Tensor("input", raw.shape, source_type, sampling.quant_for(incoming, source_type)),
            Tensor("output", raw.shape, result_type, sampling.quant_for(outgoing, result_type)),
        ]
        return sampling.single("QUANTIZE", None, tensors, (0,), (1,), (raw,))
    result_type = str(rng.choice(lookup.BYTES))
    outgoing = sampling.quant(rng)
    if rng.random() < 0.5:  # a power of two makes exact ties
        outgoing = sampling.with_scale(outgoing, 2.0 ** int(rng.integers(-8, 2)))
    shape = tuple(int(size) for size in rng.integers(1, 9, int(rng.integers(1, 5))))
    halves = rng.integers(-600, 601, shape) / 2 * outgoing.scale
    x = np.where(rng.random(shape) < 0.5, halves, rng.normal(0, 200 * outgoing.scale, shape)).astype(np.float32)
    tensors = [Tensor("input", shape, "float32"), Tensor("output", shape, result_type, sampling.quant_for(outgoing, result_type))]
    return sampling.single("QUANTIZE", None, tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="QUANTIZE",
    code=114,
    options_code=0,
    options=None,
    summary="float32 to int8 or uint8; int8 or uint8 to another scale",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
