"""Which layers to compute row by row: what lowers the arena, for as many instructions as are allowed.

Local search. The step that needs most limits the arena; every chain of consecutive layers that covers it is tried, and the
one whose steps then need least is taken, until none helps. At last those layers may run backward without which the plan
would be larger.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tinykd.compile.planner import greedy
from tinykd.compile.planner.liveness import aligned, alignment_of, live_bytes
from tinykd.compile.planner.plan import ARENA_ALIGNMENT, SECONDS, Plan, plan, to_place
from tinykd.compile.program import Program
from tinykd.compile.stream.chain import Chain, chain
from tinykd.compile.stream.rows import Rows, rows_of
from tinykd.compile.stream.schedule import LAYER_BY_LAYER, Schedule, can_go_backward

ALLOWED: Mapping[str, float] = {"speed": 0.0, "size": 0.0, "balanced": 0.05, "ram": math.inf}
"""Instructions that a smaller arena may cost, as a share of the whole, by `--optimize`."""

LONGEST = 12
"""Layers of a chain."""

_TRIES = 10
"""Random changes of the order of placement, for each schedule that is looked at."""

_INSTRUCTIONS_PER_MAC = 1.3
"""What a network takes at least on Cortex-M4: the share that is allowed is of this."""


def plan_for(program: Program, optimize: str, outside: frozenset[int] = frozenset(), seconds: float = SECONDS) -> Plan:
    """The smallest plan that `optimize` allows.

    Args:
        optimize: a key of `ALLOWED`.
        outside: keys of buffers that the caller provides.
        seconds: time limit of the exact search for offsets.
    """
    allowed = ALLOWED[optimize] * _INSTRUCTIONS_PER_MAC * program.macs if ALLOWED[optimize] else 0.0
    schedule = _Search(program, outside, allowed).best() if allowed else LAYER_BY_LAYER
    found = plan(program, seconds, outside, schedule)
    turned = tuple(rows for rows in schedule.backward if _lies_above(found, rows))
    return replace(found, schedule=replace(schedule, backward=turned))


def _lies_above(found: Plan, rows: Rows) -> bool:
    """The output of a layer lies over its input, higher, which only works from the last row to the first."""
    owner = {b.key: b for b in found.buffers}
    start, above = found.tensor_offsets[rows.output], found.tensor_offsets[rows.sources[0]]
    forward = found.over.get((rows.sources[0], rows.output))
    overlap = start < above + owner[rows.sources[0]].bytes and above < start + owner[rows.output].bytes
    return overlap and (forward is None or above - start < forward)


@dataclass(frozen=True)
class _Score:
    """How good a schedule is: the arena by placement, what each step needs from the largest on, the instructions."""

    arena: int
    live: tuple[int, ...]
    instructions: int

    def key(self) -> tuple[object, ...]:
        return (self.arena, self.live, self.instructions)


class _Search:
    def __init__(self, program: Program, outside: frozenset[int], allowed: float) -> None:
        self.program, self.outside, self.allowed = program, outside, allowed
        self.rows = [rows_of(program, layer) for layer in program.layers]
        self.chains: dict[tuple[int, int], Chain | None] = {}
        self.backward = can_go_backward([one for one in self.rows if one is not None])

    def best(self) -> Schedule:
        """Let every layer run backward that can, add chains while one helps, then drop what the arena does not need."""
        schedule = self._turned(LAYER_BY_LAYER)
        score = self._score(schedule)
        while True:
            found = [(self._score(one), one) for one in self._larger(schedule)]
            better, chosen = min(found, key=lambda pair: pair[0].key(), default=(score, schedule))
            if (better.arena, better.live) >= (score.arena, score.live):
                break
            schedule, score = chosen, better
        return self._pruned(schedule)

    def _larger(self, schedule: Schedule) -> Iterator[Schedule]:
        """Schedules with one more chain, which covers the step that needs most; it takes the place of those that it meets."""
        live = self._live(schedule)
        peak = live.index(max(live))
        for first in range(max(0, peak - LONGEST + 1), peak + 1):
            for last in range(max(peak, first + 1), min(first + LONGEST, len(self.rows))):
                one = self._chain(first, last)
                if one is None:
                    continue
                apart = tuple(other for other in schedule.chains if other.last < first or other.first > last)
                larger = self._turned(replace(schedule, chains=(*apart, one)))
                if replace(larger, backward=()).instructions <= self.allowed:
                    yield larger

    def _turned(self, schedule: Schedule) -> Schedule:
        """`schedule` with every layer outside of chains that can run backward."""
        return replace(schedule, backward=tuple(rows for rows in self.backward if schedule.chain_at(rows.layer.index) is None))

    def _pruned(self, schedule: Schedule) -> Schedule:
        """`schedule` without chains and backward layers that its arena does not need."""
        lowest = self._score(schedule).arena
        for rows in schedule.backward:
            fewer = replace(schedule, backward=tuple(one for one in schedule.backward if one is not rows))
            schedule = fewer if self._score(fewer).arena <= lowest else schedule
        for chained in schedule.chains:
            fewer = replace(schedule, chains=tuple(one for one in schedule.chains if one is not chained))
            schedule = fewer if self._score(fewer).arena <= lowest else schedule
        return schedule if schedule.instructions <= self.allowed else replace(schedule, backward=())

    def _chain(self, first: int, last: int) -> Chain | None:
        if (first, last) not in self.chains:
            stages: list[Rows] = [one for one in self.rows[first : last + 1] if one is not None]
            self.chains[first, last] = chain(self.program, stages) if len(stages) == last + 1 - first else None
        return self.chains[first, last]

    def _live(self, schedule: Schedule) -> list[int]:
        found, over = to_place(self.program, self.outside, schedule)
        return live_bytes(found, len(self.program.layers), over)

    def _score(self, schedule: Schedule) -> _Score:
        found, over = to_place(self.program, self.outside, schedule)
        live = live_bytes(found, len(self.program.layers), over)
        bound = aligned(max(live), ARENA_ALIGNMENT)
        offsets = greedy.place(found, greedy.pairs_of(found, over, alignment_of(self.program)), bound, _TRIES)
        height = max((offset + b.bytes for offset, b in zip(offsets, found)), default=0)
        inside = {k for one in schedule.chains for k in range(one.first + 1, one.last + 1)}
        needed = sorted((bytes_ for k, bytes_ in enumerate(live) if k not in inside), reverse=True)
        return _Score(aligned(height, ARENA_ALIGNMENT), tuple(needed), schedule.instructions)
