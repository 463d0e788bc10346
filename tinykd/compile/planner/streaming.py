"""Which layers to compute row by row: what lowers the arena most, for as few instructions as that takes.

What a chain needs while it runs does not depend on what the other layers do: tensors inside it are nobody else's, all others
are whole. So the layers are cut into chains and single layers by dynamic programming: of the cuts that need no more than a
limit, the one that costs least; then the limit is lowered until no cut is left, or none that may be paid.
At last those layers run backward without which the buffers would not fit so closely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from tinykd.compile.planner import greedy, quick
from tinykd.compile.planner.liveness import aligned, alignment_of, live_bytes
from tinykd.compile.planner.plan import ARENA_ALIGNMENT, SECONDS, Plan, plan, to_place
from tinykd.compile.program import Program
from tinykd.compile.stream.chain import Chain, chain
from tinykd.compile.stream.rows import rows_of
from tinykd.compile.stream.schedule import LAYER_BY_LAYER, Schedule, can_go_backward

ALLOWED: Mapping[str, float] = {"speed": 0.0, "size": 0.0, "balanced": 0.05, "ram": math.inf}
"""Instructions that a smaller arena may cost, as a share of the whole, by `--optimize`."""

LONGEST = 16
"""Layers of a chain: its rows stay in the arena until the last layer has used them, so that longer ones rarely pay."""

_INSTRUCTIONS_PER_MAC = {"mve": 0.25, "dsp": 1.0}
"""What convolutions take at least, by feature of the core."""

_PLAIN_INSTRUCTIONS_PER_MAC = 2.5
"""The same on cores with none of them."""


def plan_for(program: Program, optimize: str, outside: frozenset[int] = frozenset(), seconds: float = SECONDS) -> Plan:
    """The smallest plan that `optimize` allows.

    Args:
        optimize: a key of `ALLOWED`.
        outside: keys of buffers that the caller provides.
        seconds: time limit of the exact search for offsets.
    """
    allowed = ALLOWED[optimize] * estimated_instructions(program) if ALLOWED[optimize] else 0.0
    schedule = _Search(program, outside, allowed).best() if allowed else LAYER_BY_LAYER
    return plan(program, seconds, outside, schedule)


def estimated_instructions(program: Program) -> int:
    """Of one inference, rather too few: what row streaming may add is a share of it."""
    known = [_INSTRUCTIONS_PER_MAC[feature] for feature in program.features if feature in _INSTRUCTIONS_PER_MAC]
    return round(min(known, default=_PLAIN_INSTRUCTIONS_PER_MAC) * program.macs)


class _Search:
    """Schedules of one program.

    Args:
        allowed: instructions that they may cost.
    """

    def __init__(self, program: Program, outside: frozenset[int], allowed: float) -> None:
        self.program, self.outside, self.allowed = program, outside, allowed
        self.rows = [rows_of(program, layer) for layer in program.layers]
        self.backward = can_go_backward([one for one in self.rows if one is not None])
        self.alone = self._live(self._turned(()))
        self.chains: dict[tuple[int, int], tuple[Chain, int] | None] = {}

    def best(self) -> Schedule:
        """The lowest arena that may be paid."""
        limit, chains = max(self.alone, default=0), tuple[Chain, ...]()
        while True:
            found = self._cut(aligned(limit, ARENA_ALIGNMENT) - ARENA_ALIGNMENT)
            if found is None or Schedule(found).instructions > self.allowed:
                return self._pruned(self._turned(self._fitted(chains)))
            chains = found
            limit = max(self._live(self._turned(chains)))

    def _cut(self, limit: int) -> tuple[Chain, ...] | None:
        """The cheapest chains with which no step needs more than `limit` bytes."""
        best: list[tuple[int, tuple[Chain, ...]] | None] = [(0, ())]
        for last, alone in enumerate(self.alone):
            options = [best[last]] if alone <= limit else []
            crowded = alone > limit
            written = self.program.tensor(self.program.layers[last].op.subject).bytes
            for first in range(last - 1, max(-1, last - LONGEST), -1):
                crowded |= self.alone[first] > limit
                before = best[first]
                # where every layer could as well stand alone a chain buys nothing
                one = self._chain(first, last) if crowded and before is not None and written <= limit else None
                if before is not None and one is not None and one[1] <= limit:
                    options.append((before[0] + Schedule((one[0],)).instructions, (*before[1], one[0])))
            best.append(min((one for one in options if one is not None), key=lambda one: one[0], default=None))
        return None if best[-1] is None else best[-1][1]

    def _chain(self, first: int, last: int) -> tuple[Chain, int] | None:
        """The chain of some layers and the bytes that exist while it runs; None where there is none."""
        if (first, last) not in self.chains:
            stages = [one for one in self.rows[first : last + 1] if one is not None]
            one = chain(self.program, stages) if len(stages) == last + 1 - first else None
            self.chains[first, last] = None if one is None else (one, self._live(self._turned((one,)))[first])
        return self.chains[first, last]

    def _turned(self, chains: tuple[Chain, ...]) -> Schedule:
        """Some chains, and every other layer that can run backward."""
        schedule = Schedule(chains)
        return replace(schedule, backward=tuple(rows for rows in self.backward if schedule.chain_at(rows.layer.index) is None))

    def _fitted(self, chains: tuple[Chain, ...]) -> tuple[Chain, ...]:
        """Chains a layer longer or shorter at one end, where the buffers of those given cannot lie as closely as they might."""
        arena = self._arena(self._turned(chains))
        bound = aligned(max(self._live(self._turned(chains))), ARENA_ALIGNMENT)
        for position, one in enumerate(chains):
            for first, last in ((one.first - 1, one.last), (one.first, one.last + 1), (one.first + 1, one.last), (one.first, one.last - 1)):
                meets = any(other.first <= last and first <= other.last for other in chains if other is not one)
                if arena <= bound or meets or first < 0 or last >= len(self.rows) or first >= last:
                    continue
                moved = self._chain(first, last)
                changed = chains if moved is None else (*chains[:position], moved[0], *chains[position + 1 :])
                if self._arena(self._turned(changed)) < arena and Schedule(changed).instructions <= self.allowed:
                    return self._fitted(changed)
        return chains

    def _pruned(self, schedule: Schedule) -> Schedule:
        """`schedule` without backward layers that its arena does not need."""
        lowest = self._arena(schedule)
        for rows in schedule.backward:
            fewer = replace(schedule, backward=tuple(one for one in schedule.backward if one is not rows))
            schedule = fewer if self._arena(fewer) <= lowest else schedule
        return schedule if schedule.instructions <= self.allowed else replace(schedule, backward=())

    def _live(self, schedule: Schedule) -> list[int]:
        found, over = to_place(self.program, self.outside, schedule)
        return live_bytes(found, len(self.program.layers), over)

    def _arena(self, schedule: Schedule) -> int:
        return placed_bytes(self.program, self.outside, schedule)


def placed_bytes(program: Program, outside: frozenset[int] = frozenset(), schedule: Schedule = LAYER_BY_LAYER) -> int:
    """The arena found in a few milliseconds, which is rarely above the smallest."""
    found, over = to_place(program, outside, schedule)
    bound = aligned(max(live_bytes(found, len(program.layers), over)), ARENA_ALIGNMENT)
    offsets = quick.place(found, greedy.pairs_of(found, over, alignment_of(program)), bound, ARENA_ALIGNMENT)
    return aligned(max((offset + b.bytes for offset, b in zip(offsets, found)), default=0), ARENA_ALIGNMENT)
