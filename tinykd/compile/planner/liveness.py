"""When each buffer must exist, and where a layer may write over what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinykd.compile.graph import ITEM_BYTES
from tinykd.compile.ops.operator import View
from tinykd.compile.program import Program
from tinykd.compile.stream.schedule import LAYER_BY_LAYER, Schedule, steps

ALIGNMENT = 4
"""Bytes: every buffer starts on a word, so that kernels may load words; the arena itself is aligned to 16."""


@dataclass(frozen=True)
class Buffer:
    """Bytes that must exist during the steps first..last, both included.

    Attributes:
        key: the tensor index, or `-1 - layer` for the scratch of a layer, or of the chain that starts with it.
        bytes: rounded up to the program's alignment.
        first, last: layer indices; graph inputs exist from step 0, graph outputs to the last step, states always.
    """

    key: int
    bytes: int
    first: int
    last: int


Distances = Mapping[tuple[int, int], int]
"""For (input, output) of one step, by buffer key: bytes that the input must start above the output to be overwritten.

(output, input) is there too where the output may also start above the input, by so many bytes."""


def alignment_of(program: Program) -> int:
    """Bytes that every buffer starts and ends on: `ALIGNMENT`, or the largest element (8 where ARG_MAX gives int64)."""
    return max([ALIGNMENT, *(ITEM_BYTES[program.tensor(index).dtype] for index in program.storage())])


def aligned(size: int, alignment: int = ALIGNMENT) -> int:
    """`size` rounded up to `alignment` bytes."""
    return -(-size // alignment) * alignment


def buffers(program: Program, schedule: Schedule = LAYER_BY_LAYER) -> tuple[Buffer, ...]:
    """All buffers of a program, views and parts merged into the tensor that holds them. Tensors inside chains have none."""
    graph, owner, alignment = program.graph, program.storage(), alignment_of(program)
    end = max(len(program.layers) - 1, 0)
    first: dict[int, int] = dict.fromkeys((owner[i] for i in graph.inputs), 0)
    last: dict[int, int] = dict.fromkeys(first, 0)
    found = []
    for step in steps(program, schedule):
        for index in step.writes:
            if index in owner:
                first.setdefault(owner[index], step.first)
                last[owner[index]] = step.last
        for index in step.reads:
            if index in owner:
                last[owner[index]] = step.last
        if step.scratch:
            found.append(Buffer(-1 - step.first, aligned(step.scratch, alignment), step.first, step.last))
    for index in graph.outputs:
        if index in owner:
            last[owner[index]] = end
    for state in graph.states:
        first[state.tensor], last[state.tensor] = 0, end
    found += [Buffer(key, aligned(program.tensor(key).bytes, alignment), first[key], last[key]) for key in first]
    return tuple(sorted(found, key=lambda b: (b.first, b.key)))


def distances(program: Program, found: Sequence[Buffer], schedule: Schedule = LAYER_BY_LAYER) -> dict[tuple[int, int], int]:
    """Where an output may overwrite an input: the step is the input's last reader, and knows the distance."""
    owner, starts, lives = program.storage(), program.starts(), {b.key: b for b in found}
    kept = {owner[i] for i in program.graph.outputs if i in owner} | {state.tensor for state in program.graph.states}
    views = {layer.index for layer in program.layers if isinstance(layer.call, View)}
    result: dict[tuple[int, int], int] = {}
    for step in steps(program, schedule):
        if step.first in views or len(step.writes) != 1 or step.writes[0] not in owner:
            continue
        output = owner[step.writes[0]]
        for source, distance in between_buffers(program, step.reads, step.distances, step.writes[0]).items():
            last_read = source not in kept and lives[source].last == step.last and lives[output].first == step.first
            if distance is not None and last_read:
                result[source, output] = distance
            if step.above is not None and last_read:
                result[output, source] = max(step.above + starts[step.reads[0]] - starts[step.writes[0]], 0)
    return result


def between_buffers(program: Program, reads: Sequence[int], distances: Sequence[int | None], written: int) -> dict[int, int | None]:
    """The distance to the buffer of each tensor of `reads` from that of `written`, both of which may be larger than the tensor.

    The largest where a buffer is read twice, None where it must not be overwritten. What a kernel must not overwrite may
    still lie in a part of the buffer that it does not write.
    """
    owner, starts = program.storage(), program.starts()
    size, whole = program.tensor(written).bytes, program.tensor(owner[written]).bytes
    found: dict[int, int | None] = {}
    for index, distance in zip(reads, distances):
        if index in owner:
            apart = max((size if distance is None else distance) + starts[written] - starts[index], 0)
            before = found.get(owner[index], 0)
            found[owner[index]] = None if before is None or (distance is None and apart >= whole) else max(apart, before)
    return found


def peak_bytes(program: Program) -> int:
    """What the fullest layer needs at least, every layer whole."""
    found = buffers(program)
    return max(live_bytes(found, len(program.layers), distances(program, found)))


def live_bytes(found: Sequence[Buffer], steps: int, over: Distances | None = None) -> list[int]:
    """Bytes that must exist at each step at least; the largest is a lower bound of every plan.

    An output may share memory with one input as far as their distance allows, and with several no further than that the
    larger of it and the inputs together must exist.
    """
    over = over or {}
    sources: dict[int, list[int]] = {}
    for source, output in over:
        if (output, source) not in over:
            sources.setdefault(output, []).append(source)
    either_way = [(a, b) for a, b in over if a < b and (b, a) in over]
    living: list[dict[int, int]] = [{} for _ in range(max(steps, 1))]
    for b in found:
        for step in range(b.first, b.last + 1):
            living[step][b.key] = b.bytes
    result = []
    for live in living:
        total = sum(live.values())
        for one, two in either_way:
            if one in live and two in live:
                forward, backward = over[one, two] + live[one], over[two, one] + live[two]
                total += min(max(live[two], forward), max(live[one], backward)) - live[one] - live[two]
        for output in live.keys() & sources.keys():
            inputs = [key for key in sources[output] if key in live]
            if len(inputs) == 1:
                (one,) = inputs
                total += max(live[output], over[one, output] + live[one]) - live[output] - live[one]
            elif inputs:
                together = sum(live[key] for key in inputs)
                total += max(live[output], together) - live[output] - together
        result.append(total)
    return result
