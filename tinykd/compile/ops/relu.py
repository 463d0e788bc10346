"""RELU, RELU6, RELU_N1_TO_1 and RELU_0_TO_1: clamps that also requantize."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import activation, lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator

_REAL_RANGES: dict[str, tuple[float, float]] = {
    "RELU": (0.0, math.inf),
    "RELU6": (0.0, 6.0),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
_CODES = {"RELU": 19, "RELU6": 21, "RELU_N1_TO_1": 20, "RELU_0_TO_1": 152}


_DTYPES: dict[str, tuple[str, ...]] = {
    "RELU": ("int8", "int16"),
    "RELU6": ("int8", "int16"),
    "RELU_N1_TO_1": ("int8",),
    "RELU_0_TO_1": ("int8",),
}
"""What LiteRT's kernels take."""


@dataclass(frozen=True)
class WideRelu:
    """Integers of a clamp of int16, which is too wide for a table; both zero points are 0."""

    elements: int
    multiplier: int
    shift: int
    clamp: tuple[int, int]


def lower(graph: Graph, op: Op, rounding: Rounding) -> Lookup | WideRelu:
    """Source: LiteRT `QuantizedReluX`; the ratio of the scales is a float32.

    TFLite Micro's RELU6 clamps on the input's scale and does not requantize; the two differ only where a converter gave
    input and output different quantization.
    """
    source, incoming, result, outgoing = lookup.ends(graph, op, _DTYPES[op.kind])
    real_low, real_high = _REAL_RANGES[op.kind]
    if requirements.one_dtype(graph, op, (source, result)) == "int16":
        return _wide(graph, op, rounding)
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


def _wide(graph: Graph, op: Op, rounding: Rounding) -> WideRelu:
    source, incoming, _, outgoing = lookup.ends(graph, op, _DTYPES[op.kind])
    low, high = _REAL_RANGES[op.kind]
    scale = incoming if rounding == "double" and op.kind == "RELU6" else outgoing
    limit = 32767 if math.isinf(high) else min(32767, activation.quantized(high, scale))
    multiplier, shift = quantize_multiplier(float(np.float32(incoming.scale) / np.float32(scale.scale)))
    lookup.fits(graph, op, shift + 8)  # 8 more bits than a byte leave 8 fewer for the left shift
    return WideRelu(source.elements, multiplier, shift, (activation.quantized(low, scale), limit))


def reference(p: Lookup | WideRelu, inputs: Sequence[Array]) -> tuple[Array, ...]:
    if isinstance(p, Lookup):
        return lookup.reference(p, inputs)
    return (np.clip(requantize(inputs[0].astype(np.int64), p.multiplier, p.shift), *p.clamp).astype(np.int16),)


def call(p: Lookup | WideRelu) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    return Call(
        function="tinykd_relu_s16",
        struct="tinykd_relu",
        fields={
            "elements": p.elements,
            "multiplier": p.multiplier,
            "shift": p.shift,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
        },
        source="relu_s16.c",
    )


def macs(_: Lookup | WideRelu) -> int:
    return 0


def distances(_: Lookup | WideRelu) -> tuple[int | None, ...]:
    """An element is read, then written: the output may lie on the input."""
    return (0,)


def _cases(kind: str) -> Callable[[np.random.Generator], Case]:
    def cases(rng: np.random.Generator) -> Case:
        incoming = sampling.quant(rng)
        outgoing = incoming if rng.random() < 0.5 else sampling.output_quant(rng, incoming.scale * 128)
        if rng.random() < 0.75 or "int16" not in _DTYPES[kind]:
            return lookup.case(rng, kind, None, outgoing, incoming)
        x = sampling.integers(rng, (3, 40), "int16")
        ends = [Tensor(name, x.shape, "int16", sampling.quant_for(quant, "int16")) for name, quant in (("x", incoming), ("y", outgoing))]
        return sampling.single(kind, None, ends, (0,), (1,), (x,))

    return cases


def _operator(kind: str, summary: str) -> Operator[Lookup | WideRelu]:
    return Operator(
        kind=kind,
        code=_CODES[kind],
        options_code=0,
        options=None,
        summary=summary,
        lower=lower,
        reference=reference,
        call=call,
        macs=macs,
        cases=_cases(kind),
        distances=distances,
    )


RELU = _operator("RELU", "max(x, 0); int8 by table, int16")
RELU6 = _operator("RELU6", "x within [0, 6]; int8 by table, int16")
RELU_N1_TO_1 = _operator("RELU_N1_TO_1", "x within [-1, 1], by table")
RELU_0_TO_1 = _operator("RELU_0_TO_1", "x within [0, 1], by table")
