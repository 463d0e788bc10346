"""PAD and PADV2: a constant border, the output's zero point or a given value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.errors import UnsupportedModel

LOOPS = 4
"""Axes of the kernel; an axis without border continues the one before it."""


@dataclass(frozen=True)
class Pad:
    """A border of `value` around a tensor.

    Attributes:
        borders: elements before and after, for each axis.
        loops: (before, input, after) bytes (or pairs of them, see `_unit`) of the innermost and elements of the other loops,
            outermost first.
    """

    borders: tuple[tuple[int, int], ...]
    value: int
    dtype: str
    loops: tuple[tuple[int, int, int], ...]


def lower(graph: Graph, op: Op, _: Rounding) -> Pad:
    """PADV2's third input is the border's value, an integer on the output's scale."""
    requirements.counts(graph, op, (2, 3) if op.kind == "PADV2" else (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    outgoing = requirements.quantized(graph, op, result, ("int8", "uint8", "int16"))
    requirements.quantized(graph, op, source, (result.dtype,))
    given = requirements.optional(graph, op, 2)
    value = outgoing.zero_point if given is None else int(requirements.constant(graph, op, given, (result.dtype,)).ravel()[0])
    listed = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32", "int64"))
    if listed.shape != (len(source.shape), 2) or (listed < 0).any() or not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: borders {listed.tolist()} do not fit {list(source.shape)}")
    borders = tuple((int(before), int(after)) for before, after in listed)
    requirements.shaped(graph, op, result, [before + size + after for size, (before, after) in zip(source.shape, borders)])
    loops: list[list[int]] = []
    for size, (before, after) in zip(source.shape, borders):
        if loops and not before and not after:
            loops[-1] = [part * size for part in loops[-1]]
        elif loops and not loops[-1][0] and not loops[-1][2] and math.prod(part[1] for part in loops) == 1:
            loops[-1] = [before, size, after]
        else:
            loops.append([before, size, after])
    loops[-1] = [part * ITEM_BYTES[result.dtype] // _unit(value, result.dtype) for part in loops[-1]]
    if len(loops) > LOOPS:
        raise UnsupportedModel(f"{graph.label(op)}: borders on {len(loops)} axes, the kernel has {LOOPS} loops")
    filled = [[0, 1, 0]] * (LOOPS - len(loops)) + loops
    return Pad(borders, value, result.dtype, tuple((before, size, after) for before, size, after in filled))


def _unit(value: int, dtype: str) -> int:
    """How many bytes repeat in a border of `value`."""
    stored = np.array(value, dtype).tobytes()
    return 1 if len(set(stored)) == 1 else len(stored)


_KERNELS = {1: ("tinykd_pad_8", "pad.c", 0xFF), 2: ("tinykd_pad_16", "pad_16.c", 0xFFFF)}
"""By the bytes that repeat: kernel, file, and the bits of the value that it takes."""


def reference(p: Pad, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (np.pad(inputs[0], p.borders, constant_values=np.array(p.value, p.dtype)),)


def call(p: Pad) -> Call:
    named = {"before": 0, "size": 1, "after": 2}
    fields = {f"{name}_{k}": loop[part] for name, part in named.items() for k, loop in enumerate(p.loops)}
    function, source, bits = _KERNELS[_unit(p.value, p.dtype)]
    return Call(function=function, struct="tinykd_pad", fields={**fields, "value": p.value & bits}, source=source)


def macs(_: Pad) -> int:
    return 0


def _tensors(rng: np.random.Generator, dtype: str) -> tuple[list[Tensor], Array]:
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    borders = (rng.integers(0, 4, (len(shape), 2)) * (rng.random((len(shape), 2)) < 0.6)).astype(np.int32)
    x, quant = sampling.integers(rng, shape, dtype), sampling.quant_for(sampling.quant(rng), dtype)
    result = tuple(int(size) for size in np.array(shape) + borders.sum(axis=1))
    tensors = [
        Tensor("input", shape, dtype, quant),
        Tensor("borders", borders.shape, "int32", None, borders),
        Tensor("output", result, dtype, quant),
    ]
    return tensors, x


def cases(rng: np.random.Generator) -> Case:
    tensors, x = _tensors(rng, str(rng.choice(["int8", "int8", "int16"])))
    return sampling.single("PAD", None, tensors, (0, 1), (2,), (x,))


def cases_with_value(rng: np.random.Generator) -> Case:
    dtype = str(rng.choice(["int8", "int8", "int16"]))
    tensors, x = _tensors(rng, dtype)
    value = sampling.integers(rng, (1,), dtype)
    tensors.append(Tensor("value", (1,), dtype, tensors[0].quant, value))
    return sampling.single("PADV2", None, tensors, (0, 1, 3), (2,), (x,))


PAD = Operator(
    kind="PAD",
    code=34,
    options_code=0,
    options=None,
    summary="border of zeros",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
PADV2 = Operator(
    kind="PADV2",
    code=60,
    options_code=0,
    options=None,
    summary="border of a constant",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases_with_value,
)
