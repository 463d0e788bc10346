"""Operators that only move elements, as one strided copy: TRANSPOSE, slices, REVERSE_V2, SPACE_TO_DEPTH, TILE and their kin.

NumPy computes which element goes where: the operator is applied to a NumPy view, whose strides are the kernel's steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops.operator import Call
from tinykd.errors import UnsupportedModel

LOOPS = 6
"""Nested loops of the kernel; axes that continue each other are one loop."""


@dataclass(frozen=True)
class StridedCopy:
    """Loops over the output's bytes, outermost first.

    Attributes:
        view: the operator in NumPy, a view of its argument.
        sizes: turns of each loop.
        steps: bytes that a turn moves in the input; negative ones go backwards, 0 repeats.
        offset: first byte in the input.
    """

    output_shape: tuple[int, ...]
    view: Callable[[Array], Array]
    sizes: tuple[int, ...]
    steps: tuple[int, ...]
    offset: int


def strided_copy(graph: Graph, op: Op, source: Tensor, result: Tensor, view: Callable[[Array], Array]) -> StridedCopy:
    """Loops of an operator that NumPy expresses as a `view` of its input.

    Raises:
        UnsupportedModel: dtypes or shapes that do not match, an empty tensor, or more than `LOOPS` loops.
    """
    if source.dtype != result.dtype or not source.elements or not result.elements:
        raise UnsupportedModel(
            f"{graph.label(op)}: cannot copy '{source.name}' {source.dtype}{list(source.shape)} to {result.dtype}{list(result.shape)}"
        )
    item = ITEM_BYTES[source.dtype]
    base = np.empty(source.shape, f"V{item}")
    seen = view(base)
    if seen.size != result.elements or not np.may_share_memory(seen, base):
        raise UnsupportedModel(f"{graph.label(op)}: '{result.name}' has shape {list(result.shape)} where {seen.size} elements are moved")
    loops = [(item, 1)]
    for size, step in reversed(list(zip(seen.shape, seen.strides, strict=True))):
        inner_size, inner_step = loops[0]
        if size == 1:
            continue
        if step == inner_size * inner_step:
            loops[0] = (size * inner_size, inner_step)
        else:
            loops.insert(0, (size, step))
    if loops[-1] == (1, 1) and len(loops) > 1:  # single bytes: their loop is the next one out
        loops.pop()
    if len(loops) > LOOPS:
        raise UnsupportedModel(f"{graph.label(op)} takes {len(loops)} loops, the kernel has {LOOPS}")
    loops = [(1, 0)] * (LOOPS - len(loops)) + loops
    offset = seen.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return StridedCopy(result.shape, view, tuple(s for s, _ in loops), tuple(t for _, t in loops), offset)


def reference(p: StridedCopy, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (np.ascontiguousarray(p.view(inputs[0])).reshape(p.output_shape),)


def call(p: StridedCopy) -> Call:
    named = (("size", p.sizes), ("step", p.steps))
    fields = {f"{name}_{k}": value for name, values in named for k, value in enumerate(values)}
    return Call(
        function="tinykd_strided_copy", struct="tinykd_strided_copy", fields={"offset": p.offset, **fields}, source="strided_copy.c"
    )


def macs(_: StridedCopy) -> int:
    return 0
