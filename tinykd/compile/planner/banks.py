"""An arena in several banks of RAM, such as two SRAMs of a chip or a core-coupled memory beside one.

Banks come in order of preference: as much as possible lies in the first ones, so of all splits that fit the one is wanted that
takes least of the last bank. Which buffer goes where is decided by branch and bound over the buffers, largest first; a bank
that is chosen for a set of buffers is then packed like an arena of its own. Greedy splits are where the search starts from, so
that time running out leaves one at least as good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykd.compile.planner import exact, greedy
from tinykd.compile.planner.exact import Pair
from tinykd.compile.planner.liveness import Buffer, Distances, aligned, alignment_of, live_bytes
from tinykd.compile.planner.plan import ARENA_ALIGNMENT, SECONDS, Bank, Plan, going_backward, tensor_offsets, to_place, used_bytes
from tinykd.compile.program import Program
from tinykd.errors import OverBudget

GRANULE = ARENA_ALIGNMENT
"""Bytes: what the size of a bank's part of the arena is a multiple of."""

_NEVER = 1 << 40
"""Bytes: worse than any split."""

_TRIES = 400
_PACKING_TRIES = 40


def in_banks(program: Program, whole: Plan, capacities: Mapping[str, int], seconds: float = SECONDS) -> Plan:
    """`whole` again, its buffers placed in banks.

    Args:
        capacities: bytes of each bank by name, in order of preference.

    Raises:
        OverBudget: the banks are too small.
    """
    found, apart = to_place(program, whole.outside, whole.schedule)
    sizes = {one.key: one.bytes for one in found}
    over = {(source, output): min(distance, sizes[output]) for (source, output), distance in apart.items()}
    steps = len(whole.live)
    best, lacking = split(found, over, list(capacities.values()), steps, alignment_of(program), seconds)
    if best is None:
        listed = " and ".join(f"{name} ({capacity})" for name, capacity in capacities.items())
        raise OverBudget(
            f"the arena needs {lacking} bytes more than there are in {listed}", "give the banks more room, or shrink the layers"
        )
    starts = [sum(best.used[:number]) for number in range(len(best.used))]
    offsets = {one.key: starts[bank] + offset for one, bank, offset in zip(found, best.bank, best.offsets)}
    banks = tuple(Bank(*row) for row in zip(capacities, starts, best.used, capacities.values()))
    placed = replace(
        whole,
        buffers=found,
        offsets=offsets,
        tensor_offsets=tensor_offsets(program, offsets),
        arena_bytes=sum(best.used),
        live=tuple(used_bytes(found, offsets, step) for step in range(steps)),
        over=over,
        proved=False,
        banks=banks,
    )
    placed.check()
    return replace(placed, schedule=going_backward(program, placed, whole.schedule))


@dataclass(frozen=True)
class Split:
    """Where each buffer lies.

    Attributes:
        bank: number of the bank, by position of the buffer.
        offsets: bytes from the start of the bank's part of the arena, by position.
        used: bytes of each bank.
        proved: True if no split takes less of the last bank.
    """

    bank: tuple[int, ...]
    offsets: tuple[int, ...]
    used: tuple[int, ...]
    proved: bool


def split(
    found: Sequence[Buffer], over: Distances, capacities: Sequence[int], steps: int, alignment: int, seconds: float
) -> tuple[Split | None, int]:
    """Place buffers in banks.

    Args:
        over: which outputs may overwrite which inputs, and how far; in different banks none does.
        capacities: bytes of each bank, in order of preference.
        steps: how many layers there are.
        alignment: bytes that every offset is a multiple of.
        seconds: time limit of the search beyond greedy splits.

    Returns:
        The best split, None if none was found that fits, and how many bytes the last bank lacks for the closest one.
    """
    rooms = [capacity // GRANULE * GRANULE for capacity in capacities]
    search = _Search(found, over, greedy.pairs_of(found, over, alignment), rooms, steps)
    search.greedily()
    if search.best.used[-1] > search.least and seconds > 0:
        search.exhaustively(seconds)
    lacking = search.best.used[-1] - rooms[-1]
    return (search.best, 0) if lacking <= 0 else (None, lacking)


class _Search:
    """The best split so far, and what bounds it."""

    def __init__(self, found: Sequence[Buffer], over: Distances, pairs: Sequence[Pair], rooms: Sequence[int], steps: int) -> None:
        self.found, self.over, self.pairs, self.rooms, self.steps = found, over, pairs, rooms, steps
        self.near: list[list[tuple[int, int, int]]] = [[] for _ in found]
        for i, j, w_ij, w_ji in pairs:
            self.near[i].append((j, w_ij, w_ji))
            self.near[j].append((i, w_ji, w_ij))
        together = max(live_bytes(found, steps, over), default=0)
        self.least = aligned(max(together - sum(rooms[:-1]), 0), GRANULE)
        nothing = tuple(0 for _ in found)
        self.best = Split(nothing, nothing, (*[0] * (len(rooms) - 1), _NEVER), False)

    def greedily(self) -> None:
        """Each buffer in the first bank that has room for it, in several orders and changes of the best one."""
        orders = [sorted(range(len(self.found)), key=lambda k: key(self.found[k])) for key in greedy.ORDERS]
        kept = orders[0]
        rng = np.random.default_rng(0)
        for attempt in range(len(orders) + (_TRIES if len(self.found) > 1 else 0)):
            if self.best.used[-1] <= self.least:
                break
            order = list(orders[attempt]) if attempt < len(orders) else list(kept)
            if attempt >= len(orders):
                order.insert(int(rng.integers(len(order))), order.pop(int(rng.integers(len(order)))))
            if self._offer(*self._first_fit(order)):
                kept = order
        self.best = Split(self.best.bank, self.best.offsets, self.best.used, self.best.used[-1] <= self.least)

    def _first_fit(self, order: Sequence[int]) -> tuple[list[int], list[int]]:
        bank, offsets = [-1] * len(order), [0] * len(order)
        for k in order:
            for number, room in enumerate(self.rooms):
                taken = [(offsets[o] - under, offsets[o] + above) for o, under, above in self.near[k] if bank[o] == number]
                lowest = 0
                for start, end in sorted(taken):
                    if start >= lowest:
                        break
                    lowest = max(lowest, end)
                if number == len(self.rooms) - 1 or lowest + self.found[k].bytes <= room:
                    bank[k], offsets[k] = number, lowest
                    break
        return bank, offsets

    def _offer(self, bank: Sequence[int], offsets: Sequence[int]) -> bool:
        """Keep a split if it is at least as good as the best; returns whether it was kept."""
        used = [0] * len(self.rooms)
        for buffer, number, offset in zip(self.found, bank, offsets):
            used[number] = max(used[number], aligned(offset + buffer.bytes, GRANULE))
        better = used[-1] <= self.best.used[-1]
        if better:
            self.best = Split(tuple(bank), tuple(offsets), tuple(used), False)
        return better

    def exhaustively(self, seconds: float) -> None:
        """Every assignment that could be better, while there is time."""
        self.deadline, self.complete = time.monotonic() + seconds, True
        order = sorted(range(len(self.found)), key=lambda k: (-self.found[k].bytes, self.found[k].first))
        self._assign(order, [-1] * len(order))
        self.best = Split(self.best.bank, self.best.offsets, self.best.used, self.complete or self.best.used[-1] <= self.least)

    def _assign(self, left: Sequence[int], bank: list[int]) -> None:
        if time.monotonic() > self.deadline:
            self.complete = False
            return
        if self.best.used[-1] <= self.least:
            return
        if not left:
            while self._pack(bank):
                pass
            return
        for number in range(len(self.rooms)):
            bank[left[0]] = number
            held = [one for one, where in zip(self.found, bank) if where == number]
            need = aligned(max(live_bytes(held, self.steps, self.over)), GRANULE)
            if need <= (self.rooms[number] if number < len(self.rooms) - 1 else self.best.used[-1] - GRANULE):
                self._assign(left[1:], bank)
        bank[left[0]] = -1

    def _pack(self, bank: Sequence[int]) -> bool:
        """Keep an assignment if its banks have room and the last takes less than the best; returns whether it was kept."""
        offsets = [0] * len(bank)
        for number, room in enumerate(self.rooms):
            limit = room if number < len(self.rooms) - 1 else self.best.used[-1] - GRANULE
            members = [k for k, where in enumerate(bank) if where == number]
            packed = self._packed(members, limit)
            if packed is None:
                return False
            for k, offset in zip(members, packed):
                offsets[k] = offset
        return self._offer(bank, offsets)

    def _packed(self, members: Sequence[int], limit: int) -> Sequence[int] | None:
        """Offsets of some buffers within `limit` bytes; None if there are none, or none was found in time."""
        place = {k: position for position, k in enumerate(members)}
        held = [self.found[k] for k in members]
        pairs = [(place[i], place[j], w, v) for i, j, w, v in self.pairs if i in place and j in place]
        offsets = greedy.place(held, pairs, limit, _PACKING_TRIES)
        if all(offset + one.bytes <= limit for offset, one in zip(offsets, held)):
            return offsets
        left = max(self.deadline - time.monotonic(), 0.0)
        outcome = exact.search([one.bytes for one in held], pairs, limit + GRANULE, GRANULE, left, least=limit)
        self.complete = self.complete and outcome.proved
        return outcome.offsets
