"""Operators that are a function of one byte: 256 results, computed when the model is compiled.

Whatever float LiteRT evaluates per element or per table entry is evaluated here, once; the kernel only loads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Table
from tinykd.errors import UnsupportedModel

BYTES = ("int8", "uint8")
"""Dtypes of one byte that activations have."""


@dataclass(frozen=True, eq=False)
class Lookup:
    """output byte = table[input byte], both read as unsigned.

    Attributes:
        table: [256] of the output's dtype.
    """

    elements: int
    table: Array


def ends(graph: Graph, op: Op, dtypes: Sequence[str] = ("int8",)) -> tuple[Tensor, Quant, Tensor, Quant]:
    """Input and output of an elementwise operator with their quantization, checked to have one shape."""
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source, dtypes), requirements.quantized(graph, op, result, dtypes)
    requirements.shaped(graph, op, result, source.shape)
    if not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' is empty")
    return source, incoming, result, outgoing


def values(dtype: str) -> Array:
    """[256] the value of every byte of `dtype` as int64, in the order of the unsigned byte."""
    return np.arange(256, dtype=np.uint8).view(dtype).astype(np.int64)


def lookup(source: Tensor, result: Tensor, function: Callable[[Array], Array]) -> Lookup:
    """Tabulate `function` from input integers to output integers (int64 each), saturated to the output's dtype."""
    limits = np.iinfo(result.dtype)
    table = np.clip(function(values(source.dtype)), int(limits.min), int(limits.max))
    return Lookup(source.elements, table.astype(result.dtype))


def fits(graph: Graph, op: Op, shift: int) -> None:
    """A byte less its zero point, shifted left by `shift`, stays within 32 bits, where LiteRT's result is defined."""
    if shift > 22:
        raise UnsupportedModel(
            f"{graph.label(op)}: the output scale is over 2 million times finer than the input's", "calibrate with representative data"
        )


def requantized(graph: Graph, op: Op, q: Array, incoming: Quant, outgoing: Quant) -> Array:
    """`q` on the output's scale, not yet saturated."""
    multiplier, shift = quantize_multiplier(incoming.scale / outgoing.scale)
    fits(graph, op, shift)
    return requantize(q - incoming.zero_point, multiplier, shift) + outgoing.zero_point


def reference(p: Lookup, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (p.table[inputs[0].view(np.uint8)],)


def call(p: Lookup) -> Call:
    return Call(
        function="tinykd_lookup_8",
        struct="tinykd_lookup",
        fields={"elements": p.elements, "table": Table("uint8_t", p.table.view(np.uint8))},
        source="lookup.c",
    )


def macs(_: Lookup) -> int:
    return 0


def distances(p: object) -> tuple[int | None, ...]:
    """A byte is read, then written: the output may lie on the input. Parameters of other algorithms keep them apart."""
    return (0,) if isinstance(p, Lookup) else ()


def every_byte(rng: np.random.Generator, dtype: str = "int8") -> Array:
    """All 256 values of `dtype` in random order and some shape."""
    shape = ((256,), (1, 16, 16), (2, 4, 4, 8), (1, 1, 256))[int(rng.integers(0, 4))]
    return rng.permutation(np.arange(256, dtype=np.uint8)).view(dtype).reshape(shape)


def case(rng: np.random.Generator, kind: str, options: object, outgoing: Quant | None = None, incoming: Quant | None = None) -> Case:
    """A test case over every int8 value; quantization is random where it is not given."""
    source = incoming or sampling.quant(rng)
    x = every_byte(rng)
    result = outgoing or sampling.output_quant(rng, source.scale * 128)
    tensors = [Tensor("input", x.shape, "int8", source), Tensor("output", x.shape, "int8", result)]
    return sampling.single(kind, options, tensors, (0,), (1,), (x,))
