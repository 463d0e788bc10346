"""Offsets by branch and bound: the smallest arena there is for given buffers, or how far the search came.

Two buffers that exist together lie one above the other: for each such pair either x_j >= x_i + w_ij or x_i >= x_j + w_ji.
A choice for every pair gives least offsets as longest paths, so the search decides pairs. A pair of which one choice would
leave the arena is decided by that (propagation); on a chain of layers hardly anything is left to branch on.
Whether there is a plan of some height is asked first of the lower bound, where propagation is strongest and which most networks
reach, then by bisection.
The problem is dynamic storage allocation, NP-hard in general (Garey and Johnson 1979, SR2).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

Pair = tuple[int, int, int, int]
"""(i, j, w_ij, w_ji): positions of two buffers and the least difference of offsets, j above i and i above j."""


@dataclass(frozen=True)
class Outcome:
    """What a search found.

    Attributes:
        offsets: by position; None if nothing below the given height was found.
        proved: True if no plan below the height of `offsets` (or below the given one) exists.
        least: bytes that no plan goes below, as far as was shown.
    """

    offsets: tuple[int, ...] | None
    proved: bool
    least: int = 0


def search(
    sizes: Sequence[int], pairs: Sequence[Pair], height: int, granule: int, seconds: float, *, least: int = 0, decisions: int | None = None
) -> Outcome:
    """Look for offsets whose arena is lower than `height`, and lower still, until none is left.

    Args:
        sizes: bytes of each buffer; weights and sizes are multiples of the alignment.
        pairs: buffers that exist together.
        height: bytes of the best plan known, a multiple of `granule`.
        granule: arenas are rounded up to a multiple of it, so that only plans lower by as much count.
        seconds: time limit.
        least: bytes that no plan goes below.
        decisions: how many may be tried for each height, a limit that is the same on every machine.
    """
    deadline = time.monotonic() + seconds
    low = -(-max([least, *sizes]) // granule) * granule
    floor, target, best = low, low, None
    while floor < height:
        share = max(deadline - time.monotonic(), 0.0) / 2  # a height that is hard to decide leaves time for others
        answer = _Choices(sizes, pairs, target, time.monotonic() + share, decisions).explore()
        if answer.offsets is not None:
            best, height = answer.offsets, _rounded(answer.offsets, sizes, granule)
        else:
            floor = target + granule
            low = floor if answer.proved else low
        target = (floor + height) // 2 // granule * granule
    while low < height and seconds > 0 and time.monotonic() < deadline:
        answer = _Choices(sizes, pairs, height - granule, deadline, decisions).explore()
        if answer.offsets is None:
            low = height if answer.proved else low
            break
        best, height = answer.offsets, _rounded(answer.offsets, sizes, granule)
    return Outcome(best, low >= height, min(low, height))


def _rounded(offsets: Sequence[int], sizes: Sequence[int], granule: int) -> int:
    return -(-max((o + s for o, s in zip(offsets, sizes)), default=0) // granule) * granule


class _Choices:
    """Partial choices of a plan no higher than `limit`.

    Heads are the least offsets, tails the least bytes from a buffer's start to the top; `open` are undecided pairs, `pending`
    those of them that must be looked at because a head or tail moved.
    """

    def __init__(self, sizes: Sequence[int], pairs: Sequence[Pair], limit: int, deadline: float, decisions: int | None) -> None:
        self.pairs = list(pairs)
        self.limit = limit
        self.deadline = deadline
        self.decisions = decisions
        self.heads = [0] * len(sizes)
        self.tails = list(sizes)
        self.above: list[list[tuple[int, int]]] = [[] for _ in sizes]
        self.below: list[list[tuple[int, int]]] = [[] for _ in sizes]
        self.open = set(range(len(self.pairs)))
        self.pending = set(self.open)
        self.hardest = sorted(self.open, key=self._difficulty, reverse=True)
        self.touching: list[list[int]] = [[] for _ in sizes]
        for pair, (i, j, _, _) in enumerate(self.pairs):
            self.touching[i].append(pair)
            self.touching[j].append(pair)
        self.trail: list[tuple[str, int, int]] = []

    def explore(self) -> Outcome:
        """Depth first: decide a pair, follow what that forces, go back where no choice is left."""
        stack: list[tuple[int, int, list[bool]]] = []  # length of the trail before, the pair's place in `hardest`, choices left
        alive = max(self.tails, default=0) <= self.limit and self._propagate()
        while True:
            if alive and not self.open:
                return Outcome(tuple(self.heads), True)
            if time.monotonic() > self.deadline or self.decisions == 0:
                return Outcome(None, False)
            if alive:
                place = stack[-1][1] + 1 if stack else 0  # those before it are decided
                while self.hardest[place] not in self.open:
                    place += 1
                chosen = self.hardest[place]
                first = self._reach(chosen, up=True) <= self._reach(chosen, up=False)
                stack.append((len(self.trail), place, [not first, first]))
            while stack and not stack[-1][2]:
                self._undo(stack.pop()[0])
            if not stack:
                return Outcome(None, True)
            if self.decisions is not None:
                self.decisions -= 1
            mark, place, choices = stack[-1]
            self._undo(mark)
            alive = self._decide(self.hardest[place], choices.pop()) and self._propagate()

    def _reach(self, pair: int, up: bool) -> int:
        """The height that a choice would force: j above i, or i above j."""
        i, j, w_ij, w_ji = self.pairs[pair]
        return self.heads[i] + w_ij + self.tails[j] if up else self.heads[j] + w_ji + self.tails[i]

    def _difficulty(self, pair: int) -> tuple[int, int, int]:
        a, b = self._reach(pair, up=True), self._reach(pair, up=False)
        return min(a, b), max(a, b), -pair

    def _propagate(self) -> bool:
        """Decide every pair that has one choice left, as far as something moved; False if some pair has none."""
        while self.pending:
            pair = self.pending.pop()
            if pair not in self.open:
                continue
            can_up, can_down = self._reach(pair, up=True) <= self.limit, self._reach(pair, up=False) <= self.limit
            if not (can_up or can_down) or (can_up != can_down and not self._decide(pair, can_up)):
                self.pending.clear()
                return False
        return True

    def _decide(self, pair: int, up: bool) -> bool:
        i, j, w_ij, w_ji = self.pairs[pair]
        low, high, weight = (i, j, w_ij) if up else (j, i, w_ji)
        self.open.remove(pair)
        self.trail.append(("pair", pair, 0))
        self.above[low].append((high, weight))
        self.below[high].append((low, weight))
        self.trail.append(("arc", low, high))
        head, tail = self.heads[low] + weight, self.tails[high] + weight
        alive = self._raise("head", self.heads, self.tails, self.above, high, head)
        alive = alive and self._raise("tail", self.tails, self.heads, self.below, low, tail)
        if not alive:
            self.pending.clear()
        return alive

    def _raise(self, kind: str, ends: list[int], others: list[int], arcs: list[list[tuple[int, int]]], buffer: int, value: int) -> bool:
        """A head or tail of at least `value`, and what that pushes on; False where the limit is passed."""
        pushed = [(buffer, value)]
        while pushed:
            at, least = pushed.pop()
            if least <= ends[at]:
                continue
            if least + others[at] > self.limit:
                return False
            self.trail.append((kind, at, ends[at]))
            ends[at] = least
            self.pending.update(self.touching[at])
            pushed += [(other, least + weight) for other, weight in arcs[at]]
        return True

    def _undo(self, mark: int) -> None:
        while len(self.trail) > mark:
            kind, where, value = self.trail.pop()
            if kind == "pair":
                self.open.add(where)
            elif kind == "arc":
                self.above[where].pop()
                self.below[value].pop()
            elif kind == "head":
                self.heads[where] = value
            else:
                self.tails[where] = value
