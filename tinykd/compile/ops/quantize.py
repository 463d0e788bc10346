"""QUANTIZE: float32 to bytes or int16 at the model's input, or integers on one scale to integers on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class QuantizeFloat:
    """q = saturate(round(x / scale) + zero_point), the division in float32 and ties away from zero.

    Ratios beyond 32 bits saturate; LiteRT's cast of them is undefined.
    """

    elements: int
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Requantize:
    """q' = saturate(requantize(q - input_zero_point) + output_zero_point) between integers of which one is wider than a byte."""

    elements: int
    dtypes: tuple[str, str]
    input_zero_point: int
    output_zero_point: int
    multiplier: int
    shift: int


_WIDE = {("int32", "int8"), ("int32", "int16"), ("int16", "int8"), ("int16", "int16"), ("int8", "int16")}
"""Pairs of dtypes that are requantized without a table."""

_BOUNDS = {"int8": 512, "uint8": 512, "int16": 1 << 17}
"""Ratios of float32 are cut to +- so many, more than any zero point can bring back."""

_LEFTMOST_SHIFTS = {"int32": 0, "int16": 14, "int8": 22}
"""Left shifts that keep every input within 32 bits."""


def lower(graph: Graph, op: Op, _: Rounding) -> QuantizeFloat | Lookup | Requantize:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    pair = source.dtype, result.dtype
    if pair in _WIDE:
        return _requantize(graph, op, source, result)
    if source.dtype != "float32":
        source, incoming, result, outgoing = lookup.ends(graph, op, lookup.BYTES)
        return lookup.lookup(source, result, lambda q: lookup.requantized(graph, op, q, incoming, outgoing))
    outgoing = requirements.quantized(graph, op, result, tuple(_BOUNDS))
    requirements.shaped(graph, op, result, source.shape)
    return QuantizeFloat(source.elements, result.dtype, outgoing.scale, outgoing.zero_point)


def _requantize(graph: Graph, op: Op, source: Tensor, result: Tensor) -> Requantize:
    incoming = requirements.quantized(graph, op, source, (source.dtype,))
    outgoing = requirements.quantized(graph, op, result, (result.dtype,))
    requirements.shaped(graph, op, result, source.shape)
    multiplier, shift = quantize_multiplier(incoming.scale / outgoing.scale)
    if shift > _LEFTMOST_SHIFTS[source.dtype]:
        raise UnsupportedModel(f"{graph.label(op)}: the output scale {outgoing.scale:.3g} is too fine for {incoming.scale:.3g}")
    return Requantize(source.elements, (source.dtype, result.dtype), incoming.zero_point, outgoing.zero_point, multiplier, shift)


def reference(p: QuantizeFloat | Lookup | Requantize, inputs: Sequence[Array]) -> tuple[Array, ...]:
    if isinstance(p, Lookup):
        return lookup.reference(p, inputs)
    if isinstance(p, Requantize):
        scaled = requantize(inputs[0].astype(np.int64) - p.input_zero_point, p.multiplier, p.shift) + p.output_zero_point
        wide = np.iinfo(p.dtypes[1])
        return (np.clip(scaled, int(wide.min), int(wide.max)).astype(p.dtypes[1]),)
    with np.errstate(over="ignore"):
        ratio = inputs[0] / np.float32(p.scale)
    bound = np.float32(_BOUNDS[p.dtype])
    bounded = np.clip(np.nan_to_num(ratio, nan=-bound), -bound, bound)
    whole = np.trunc(bounded)
    rest = bounded - whole
    rounded = whole.astype(np.int64) + (rest >= 0.5) - (rest <= -0.5) + p.zero_point
    limits = np.iinfo(p.dtype)
    return (np.clip(rounded, int(limits.min), int(limits.max)).astype(p.dtype),)


_FUNCTIONS = {
    "int8": ("tinykd_quantize_s8", "quantize.c"),
    "uint8": ("tinykd_quantize_u8", "quantize.c"),
    "int16": ("tinykd_quantize_s16", "quantize_s16.c"),
}
"""From float32, by dtype."""


def call(p: QuantizeFloat | Lookup | Requantize) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    if isinstance(p, Requantize):
        names = [dtype.replace("int", "s") for dtype in p.dtypes]
        return Call(
            function=f"tinykd_requantize_{'_'.join(names)}",
            struct="tinykd_requantization",
            fields={
                "elements": p.elements,
                "input_zero_point": p.input_zero_point,
                "output_zero_point": p.output_zero_point,
                "multiplier": p.multiplier,
                "shift": p.shift,
            },
            source="requantize.c",
        )
    function, file = _FUNCTIONS[p.dtype]
    return Call(
        function=function,
        struct="tinykd_affine",
        fields={"elements": p.elements, "zero_point": p.zero_point, "scale_bits": int(np.float32(p.scale).view(np.int32))},
        source=file,
    )


def macs(_: QuantizeFloat | Lookup | Requantize) -> int:
    return 0


def _wide_case(rng: np.random.Generator) -> Case:
    source_type, result_type = sorted(_WIDE)[int(rng.integers(0, len(_WIDE)))]
    incoming = sampling.quant_for(sampling.quant(rng), source_type)
    x = sampling.integers(rng, (5, 40), source_type)
    real = incoming.scale * float(np.iinfo(source_type).max)
    outgoing = sampling.with_scale(sampling.quant(rng), real / np.iinfo(result_type).max * float(rng.choice([0.3, 1.0, 3.0])))
    if result_type == "int16":
        outgoing = Quant(outgoing.scales, (0,))
    if rng.random() < 0.3:  # a multiplier of 2**-k makes exact ties
        outgoing = sampling.with_scale(outgoing, incoming.scale * 2.0 ** int(np.ceil(np.log2(outgoing.scale / incoming.scale))))
    if source_type == "int32" and outgoing.scale < incoming.scale:
        outgoing = sampling.with_scale(outgoing, incoming.scale * 2)
    tensors = [Tensor("input", x.shape, source_type, incoming), Tensor("output", x.shape, result_type, outgoing)]
    return sampling.single("QUANTIZE", None, tensors, (0,), (1,), (x,))


def cases(rng: np.random.Generator) -> Case:
    if rng.random() < 0.25:
        return _wide_case(rng)
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
    result_type = str(rng.choice(list(_BOUNDS)))
    outgoing = sampling.quant(rng)
    if rng.random() < 0.5:  # a power of two makes exact ties
        outgoing = sampling.with_scale(outgoing, 2.0 ** int(rng.integers(-8, 2)))
    shape = tuple(int(size) for size in rng.integers(1, 9, int(rng.integers(1, 5))))
    quant = sampling.quant_for(outgoing, result_type)
    bound = _BOUNDS[result_type]
    halves = rng.integers(-bound, bound + 1, shape) / 2 * quant.scale
    x = np.where(rng.random(shape) < 0.5, halves, rng.normal(0, bound / 3 * quant.scale, shape)).astype(np.float32)
    tensors = [Tensor("input", shape, "float32"), Tensor("output", shape, result_type, quant)]
    return sampling.single("QUANTIZE", None, tensors, (0,), (1,), (x,))


def distances(p: QuantizeFloat | Requantize | Lookup) -> tuple[int | None, ...]:
    """Floats are read one by one, each before its byte is written. Compilers may take it that an int16_t never lies over a float."""
    return (0,) if isinstance(p, QuantizeFloat) and p.dtype != "int16" else lookup.distances(p)


OPERATOR = Operator(
    kind="QUANTIZE",
    code=114,
    options_code=0,
    options=None,
    summary="float32 to int8, uint8 or int16; int8, uint8, int16 or int32 to another scale",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
