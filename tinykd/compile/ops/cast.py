"""CAST: bool and integers to float32, as masks are made; between dtypes of one byte by table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import lookup, requirements, sampling
from tinykd.compile.ops.lookup import Lookup
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel

BYTES = ("bool", "int8", "uint8")
"""Dtypes of one byte: the cast is a table."""

TO_FLOAT = {"bool": "u8", "uint8": "u8", "int8": "s8", "int32": "s32"}
"""The kernel's suffix by the dtype that becomes float32."""


@dataclass(frozen=True)
class Cast:
    """Integers to float32, quantization left out of account.

    Attributes:
        dtype: of the input, a key of `TO_FLOAT`.
    """

    elements: int
    dtype: str


def lower(graph: Graph, op: Op, _: Rounding) -> Cast | Lookup:
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    requirements.shaped(graph, op, result, source.shape)
    if not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' is empty")
    if source.dtype in BYTES and result.dtype in BYTES:
        return Lookup(source.elements, np.arange(256, dtype=np.uint8).view(_stored(source)).astype(result.dtype))
    if source.dtype in TO_FLOAT and result.dtype == "float32":
        return Cast(source.elements, source.dtype)
    raise UnsupportedModel(
        f"{graph.label(op)}: from {source.dtype} to {result.dtype} is not among the casts that tinykd compiles",
        "cast bool or integers to float32, which a QUANTIZE then reads",
    )


def _stored(source: Tensor) -> str:
    """How the table's index reads a byte; bytes of bool other than 0 and 1 do not occur."""
    return "uint8" if source.dtype == "bool" else source.dtype


def reference(p: Cast | Lookup, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return lookup.reference(p, inputs) if isinstance(p, Lookup) else (inputs[0].astype(np.float32),)


def call(p: Cast | Lookup) -> Call:
    if isinstance(p, Lookup):
        return lookup.call(p)
    return Call(f"tinykd_cast_{TO_FLOAT[p.dtype]}_f32", "tinykd_cast", {"elements": p.elements}, "cast.c")


def macs(_: Cast | Lookup) -> int:
    return 0


def cases(rng: np.random.Generator) -> Case:
    source = str(rng.choice(list(TO_FLOAT)))
    result = "float32" if source == "int32" or rng.random() < 0.6 else str(rng.choice(BYTES))
    shape = sampling.broadcast_shapes(rng)[0]
    x = rng.integers(0, 2, shape).astype(np.bool_) if source == "bool" else sampling.integers(rng, shape, source)
    return sampling.single("CAST", None, [Tensor("input", shape, source), Tensor("output", shape, result)], (0,), (1,), (x,))


OPERATOR = Operator(
    kind="CAST",
    code=53,
    options_code=0,
    options=None,
    summary="bool, int8, uint8 or int32 to float32; between bool, int8 and uint8 by table",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=lookup.distances,
)
