"""DEQUANTIZE: int8, uint8 or int16 to float32, at the model's output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel

_DTYPES = (*lookup.BYTES, "int16")


@dataclass(frozen=True)
class Dequantize:
    """x = scale * (q - zero_point) in float32. The difference has at most 16 bits, so LiteRT's float64 product rounds the same."""

    elements: int
    dtype: str
    scale: float
    zero_point: int


def lower(graph: Graph, op: Op, _: Rounding) -> Dequantize:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming = requirements.quantized(graph, op, source, _DTYPES)
    requirements.shaped(graph, op, result, source.shape)
    if result.dtype != "float32":
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' is {result.dtype}, the kernel makes float32")
    return Dequantize(source.elements, source.dtype, incoming.scale, incoming.zero_point)


def reference(p: Dequantize, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (np.asarray(np.float32(p.scale) * (inputs[0].astype(np.float32) - np.float32(p.zero_point)), np.float32),)


_FUNCTIONS = {
    "int8": ("tinykd_dequantize_s8", "dequantize.c"),
    "uint8": ("tinykd_dequantize_u8", "dequantize.c"),
    "int16": ("tinykd_dequantize_s16", "dequantize_s16.c"),
}
"""By dtype."""


def call(p: Dequantize) -> Call:
    function, source = _FUNCTIONS[p.dtype]
    return Call(
        function=function,
        struct="tinykd_affine",
        fields={"elements": p.elements, "zero_point": p.zero_point, "scale_bits": int(np.float32(p.scale).view(np.int32))},
        source=source,
    )


def macs(_: Dequantize) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    dtype = str(rng.choice(_DTYPES))
    x = sampling.integers(rng, (300,), dtype) if dtype == "int16" else lookup.every_byte(rng, dtype)
    quant = sampling.quant(rng, low=1e-6, high=1e3)
    tensors = [Tensor("input", x.shape, dtype, sampling.quant_for(quant, dtype)), Tensor("output", x.shape, "float32")]
    return sampling.single("DEQUANTIZE", None, tensors, (0,), (1,), (x,))


OPERATOR = Operator(
    kind="DEQUANTIZE",
    code=6,
    options_code=0,
    options=None,
    summary="int8, uint8 or int16 to float32",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
