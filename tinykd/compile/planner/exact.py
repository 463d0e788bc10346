"""Offsets by branch and bound: the smallest arena there is for given buffers, or how far the search came.

Two buffers that exist together lie one above the other: for each such pair either x_j >= x_i + w_ij or x_i >= x_j + w_ji.
A choice for every pair gives least offsets as longest paths, so the search decides pairs. A pair of which one choice would
reach the best height so far is decided by that (propagation); on a chain of layers nothing is left to branch on.
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
    """

    offsets: tuple[int, ...] | None
    proved: bool


def search(sizes: Sequence[int], pairs: Sequence[Pair], height: int, granule: int, seconds: float) -> Outcome:
    """Look for offsets whose arena is lower than `height`, and lower still, until none is left.

    Args:
        sizes: bytes of each buffer; weights and sizes are multiples of the alignment.
        pairs: buffers that exist together.
        height: bytes of the best plan known, a multiple of `granule`.
        granule: arenas are rounded up to a multiple of it, so that only plans lower by as much count.
        seconds: time limit.
    """
    if max(sizes, default=0) > height - granule:
        return Outcome(None, True)
    deadline = time.monotonic() + seconds
    state = _State(sizes, pairs, height, granule, deadline)
    try:
        state.explore()
    except _OutOfTime:
        return Outcome(state.best, False)
    return Outcome(state.best, True)


class _OutOfTime(Exception):
    """The time limit was reached."""


class _State:
    """A partial choice: heads (least offsets), tails (least bytes from a buffer's start to the top), undecided pairs."""

    def __init__(self, sizes: Sequence[int], pairs: Sequence[Pair], height: int, granule: int, deadline: float) -> None:
        self.sizes = sizes
        self.pairs = list(pairs)
        self.granule = granule
        self.limit = height - granule  # the height that a plan may still have
        self.deadline = deadline
        self.heads = [0] * len(sizes)
        self.tails = list(sizes)
        self.above: list[list[tuple[int, int]]] = [[] for _ in sizes]
        self.below: list[list[tuple[int, int]]] = [[] for _ in sizes]
        self.open = set(range(len(self.pairs)))
        self.best: tuple[int, ...] | None = None
        self.trail: list[tuple[str, int, int]] = []

    def explore(self) -> None:
        """Depth first: decide a pair, follow what that forces, go back where no choice is left."""
        stack: list[tuple[int, int, list[bool]]] = []  # length of the trail before, the pair, choices not yet tried
        alive = self._propagate()
        while True:
            if time.monotonic() > self.deadline:
                raise _OutOfTime
            if alive and self.open:
                chosen = max(self.open, key=self._difficulty)
                first = self._reach(chosen, up=True) <= self._reach(chosen, up=False)
                stack.append((len(self.trail), chosen, [not first, first]))
            elif alive:
                reached = max((h + s for h, s in zip(self.heads, self.sizes)), default=0)
                self.best = tuple(self.heads)
                self.limit = -(-reached // self.granule) * self.granule - self.granule
            while stack and not stack[-1][2]:
                self._undo(stack.pop()[0])
            if not stack:
                return
            mark, pair, choices = stack[-1]
            self._undo(mark)
            alive = self._decide(pair, choices.pop()) and self._propagate()

    def _reach(self, pair: int, up: bool) -> int:
        """The height that a choice would force: j above i, or i above j."""
        i, j, w_ij, w_ji = self.pairs[pair]
        return self.heads[i] + w_ij + self.tails[j] if up else self.heads[j] + w_ji + self.tails[i]

    def _difficulty(self, pair: int) -> tuple[int, int]:
        a, b = self._reach(pair, up=True), self._reach(pair, up=False)
        return min(a, b), max(a, b)

    def _propagate(self) -> bool:
        """Decide every pair that has one choice left; False if some pair has none."""
        changed = True
        while changed:
            changed = False
            for pair in sorted(self.open):
                if pair not in self.open:
                    continue
                can_up, can_down = self._reach(pair, up=True) <= self.limit, self._reach(pair, up=False) <= self.limit
                if not can_up and not can_down:
                    return False
                if can_up != can_down:
                    if not self._decide(pair, can_up):
                        return False
                    changed = True
        return True

    def _decide(self, pair: int, up: bool) -> bool:
        i, j, w_ij, w_ji = self.pairs[pair]
        low, high, weight = (i, j, w_ij) if up else (j, i, w_ji)
        self.open.remove(pair)
        self.trail.append(("pair", pair, 0))
        self.above[low].append((high, weight))
        self.below[high].append((low, weight))
        self.trail.append(("arc", low, high))
        return self._raise_head(high, self.heads[low] + weight) and self._raise_tail(low, self.tails[high] + weight)

    def _raise_head(self, buffer: int, value: int) -> bool:
        pending = [(buffer, value)]
        while pending:
            at, least = pending.pop()
            if least <= self.heads[at]:
                continue
            if least + self.tails[at] > self.limit:
                return False
            self.trail.append(("head", at, self.heads[at]))
            self.heads[at] = least
            pending += [(high, least + weight) for high, weight in self.above[at]]
        return True

    def _raise_tail(self, buffer: int, value: int) -> bool:
        pending = [(buffer, value)]
        while pending:
            at, least = pending.pop()
            if least <= self.tails[at]:
                continue
            if least + self.heads[at] > self.limit:
                return False
            self.trail.append(("tail", at, self.tails[at]))
            self.tails[at] = least
            pending += [(low, least + weight) for low, weight in self.below[at]]
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
