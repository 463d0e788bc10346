"""The plan: an offset for every buffer, the smallest arena that is found, and what no plan can go below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tinykd.compile.planner import exact, greedy, quick
from tinykd.compile.planner.liveness import ALIGNMENT, Buffer, Distances, aligned, alignment_of, buffers, distances, live_bytes
from tinykd.compile.program import Program
from tinykd.compile.stream.schedule import LAYER_BY_LAYER, Schedule
from tinykd.errors import TinykdError

ARENA_ALIGNMENT = 16

SECONDS = 10.0
"""Time limit of the exact search by default; most networks take milliseconds."""


@dataclass(frozen=True)
class Bank:
    """A bank's part of the arena.

    Attributes:
        name: of the bank.
        start: where the part begins in the arena as a whole, in which the parts follow one another.
        bytes: of the part.
        capacity: bytes that it may have.
    """

    name: str
    start: int
    bytes: int
    capacity: int


@dataclass(frozen=True)
class Plan:
    """Where every buffer lies.

    Attributes:
        buffers: what was placed.
        offsets: bytes from the start of the arena, by buffer key.
        tensor_offsets: bytes from the start of the arena, by activation index (views and parts included).
        arena_bytes: what the caller must provide, aligned to 16.
        lower_bound: bytes that no plan of these buffers can go below: what exists at the fullest layer, or more where a search
            showed it.
        live: bytes of the arena in use at each layer.
        over: which outputs may overwrite which inputs, and how far.
        proved: True if an exhaustive search found nothing smaller.
        outside: keys of buffers that the caller provides: inputs and outputs that are not in the arena.
        schedule: which layers are computed row by row; the bound and the proof are about this schedule. Of layers that may
            run backward those are kept that must, as their buffers lie.
        banks: the parts of an arena that lies in several banks of RAM, in order of preference; empty where it is one piece.
    """

    buffers: tuple[Buffer, ...]
    offsets: Mapping[int, int]
    tensor_offsets: Mapping[int, int]
    arena_bytes: int
    lower_bound: int
    live: tuple[int, ...]
    over: Distances
    proved: bool = False
    outside: frozenset[int] = frozenset()
    schedule: Schedule = LAYER_BY_LAYER
    banks: tuple[Bank, ...] = ()

    @property
    def optimal(self) -> bool:
        """True where the plan is proved minimal: it reaches the lower bound, or the search for a smaller one ended."""
        return self.proved or self.arena_bytes == self.lower_bound

    def lies_above(self, source: int, output: int) -> bool:
        """An output lies over an input, but higher than where it may follow the reads: it was placed to be written backward.

        Both are named by the keys of the buffers that hold them.
        """
        sizes = {b.key: b.bytes for b in self.buffers}
        if source not in sizes or output not in sizes:
            return False
        apart = self.offsets[source] - self.offsets[output]
        return -sizes[source] < apart < self.over.get((source, output), sizes[output])

    def check(self) -> None:
        """Verify that buffers which exist together lie apart, as far as they must, and that all lie inside the arena.

        Raises:
            TinykdError: they do not.
        """
        for k, one in enumerate(self.buffers):
            start = self.offsets[one.key]
            if start < 0 or start + one.bytes > self.arena_bytes:
                raise TinykdError(f"buffer {one.key} at {start} leaves the arena of {self.arena_bytes} bytes")
            for other in self.buffers[k + 1 :]:
                below, above = _forbidden(one, other, self.over)
                if _together(one, other) and below < start - self.offsets[other.key] < above:
                    raise TinykdError(f"buffers {one.key} and {other.key} overlap in the arena")


def plan(program: Program, seconds: float = SECONDS, outside: frozenset[int] = frozenset(), schedule: Schedule = LAYER_BY_LAYER) -> Plan:
    """Place every buffer of `program`.

    Args:
        seconds: time limit of the search for the smallest plan; the best placement by then stands.
        outside: keys of buffers that the caller provides (see `outside.caller_buffers`).
        schedule: which layers are computed row by row.
    """
    found, over = to_place(program, outside, schedule)
    placed = plan_buffers(found, len(program.layers), over, alignment_of(program), seconds)
    tensors = tensor_offsets(program, placed.offsets)
    return replace(placed, tensor_offsets=tensors, outside=outside, schedule=going_backward(program, placed, schedule))


def tensor_offsets(program: Program, offsets: Mapping[int, int]) -> dict[int, int]:
    """Where each activation of the arena begins, given the offsets of the buffers."""
    starts = program.starts()
    return {index: offsets[key] + starts[index] for index, key in program.storage().items() if key in offsets}


def going_backward(program: Program, placed: Plan, schedule: Schedule) -> Schedule:
    """`schedule` with only those of its backward layers that must be, as the buffers lie."""
    owner = program.storage()
    backward = tuple(rows for rows in schedule.backward if placed.lies_above(owner[rows.sources[0]], owner[rows.output]))
    return replace(schedule, backward=backward)


def to_place(program: Program, outside: frozenset[int], schedule: Schedule) -> tuple[tuple[Buffer, ...], Distances]:
    """The buffers that an arena must hold, and which may overwrite which."""
    everything = buffers(program, schedule)
    over = {pair: distance for pair, distance in distances(program, everything, schedule).items() if not outside.intersection(pair)}
    return tuple(b for b in everything if b.key not in outside), over


def plan_buffers(
    found: tuple[Buffer, ...],
    steps: int,
    over: Distances,
    alignment: int = ALIGNMENT,
    seconds: float = SECONDS,
) -> Plan:
    """Place bare buffers.

    Args:
        steps: how many layers there are.
        over: which outputs may overwrite which inputs, and how far.
        alignment: bytes that every offset is a multiple of.
        seconds: time limit of the exact search.
    """
    bound = aligned(max(live_bytes(found, steps, over)), ARENA_ALIGNMENT)
    pairs = greedy.pairs_of(found, over, alignment)
    placed, proved = quick.place(found, pairs, bound, ARENA_ALIGNMENT), False
    if _height(found, placed) > bound and seconds > 0:
        height = aligned(_height(found, placed), ARENA_ALIGNMENT)
        outcome = exact.search([b.bytes for b in found], pairs, height, ARENA_ALIGNMENT, seconds, least=bound)
        placed, proved, bound = outcome.offsets or placed, outcome.proved, outcome.least
    offsets = {b.key: offset for b, offset in zip(found, placed)}
    result = Plan(
        buffers=found,
        offsets=offsets,
        tensor_offsets={},
        arena_bytes=aligned(_height(found, placed), ARENA_ALIGNMENT),
        lower_bound=bound,
        live=tuple(used_bytes(found, offsets, step) for step in range(max(steps, 1))),
        over=over,
        proved=proved,
    )
    result.check()
    return result


def _height(found: Sequence[Buffer], offsets: Sequence[int]) -> int:
    return max((offset + b.bytes for offset, b in zip(offsets, found)), default=0)


def used_bytes(found: Sequence[Buffer], offsets: Mapping[int, int], step: int) -> int:
    """Bytes that at least one buffer of a step covers."""
    covered, top = 0, 0
    for start, end in sorted((offsets[b.key], offsets[b.key] + b.bytes) for b in found if b.first <= step <= b.last):
        covered += max(end - max(start, top), 0)
        top = max(top, end)
    return covered


def _together(one: Buffer, other: Buffer) -> bool:
    return one.first <= other.last and other.first <= one.last


def _forbidden(one: Buffer, other: Buffer, over: Distances) -> tuple[int, int]:
    """The open interval of `offset of one - offset of other` that two buffers which exist together must not have."""
    above = over.get((one.key, other.key), other.bytes)  # `one` is the input: it may start so little above the output
    below = over.get((other.key, one.key), one.bytes)  # `one` is the output: it may start so little below the input
    return -below, above
