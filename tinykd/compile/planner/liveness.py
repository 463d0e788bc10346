"""When each buffer must exist: from the step that writes it to the last that reads it."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.graph import ITEM_BYTES
from tinykd.compile.program import Program

ALIGNMENT = 4
"""Bytes: every buffer starts on a word, so that kernels may load words; the arena itself is aligned to 16."""


@dataclass(frozen=True)
class Buffer:
    """Bytes that must exist during the steps first..last, both included.

    Attributes:
        key: the tensor index, or `-1 - layer` for the scratch of a layer.
        bytes: rounded up to the program's alignment.
        first, last: layer indices; graph inputs exist from step 0, graph outputs to the last step.
    """

    key: int
    bytes: int
    first: int
    last: int


def alignment_of(program: Program) -> int:
    """Bytes that every buffer starts and ends on: `ALIGNMENT`, or the largest element (8 where ARG_MAX gives int64)."""
    return max([ALIGNMENT, *(ITEM_BYTES[program.tensor(index).dtype] for index in program.storage())])


def aligned(size: int, alignment: int = ALIGNMENT) -> int:
    """`size` rounded up to `alignment` bytes."""
    return -(-size // alignment) * alignment


def buffers(program: Program) -> tuple[Buffer, ...]:
    """All buffers of a program, views merged into the tensor they look at."""
    graph, owner, alignment = program.graph, program.storage(), alignment_of(program)
    end = max(len(program.layers) - 1, 0)
    first: dict[int, int] = dict.fromkeys((owner[i] for i in graph.inputs), 0)
    last: dict[int, int] = dict.fromkeys(first, 0)
    found = []
    for step, layer in enumerate(program.layers):
        for index in layer.op.outputs:
            if index in owner:
                first.setdefault(owner[index], step)
                last[owner[index]] = step
        for index in layer.passed:
            if index in owner:
                last[owner[index]] = step
        if layer.scratch:
            found.append(Buffer(-1 - step, aligned(layer.scratch, alignment), step, step))
    for index in graph.outputs:
        if index in owner:
            last[owner[index]] = end
    found += [Buffer(key, aligned(program.tensor(key).bytes, alignment), first[key], last[key]) for key in first]
    return tuple(sorted(found, key=lambda b: (b.first, b.key)))


def live_bytes(found: tuple[Buffer, ...], steps: int) -> list[int]:
    """Bytes that exist at each step; the largest is a lower bound of every plan without overlap."""
    return [sum(b.bytes for b in found if b.first <= step <= b.last) for step in range(max(steps, 1))]
