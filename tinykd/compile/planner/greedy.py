"""Offsets by placement: each buffer as low as those placed before it allow, in several orders, then in changed ones.

Microseconds where the exact search takes longer; on most networks the first order already reaches the lower bound.
Pairs are those of `exact`: buffers i and j that exist together need x_j >= x_i + w_ij or x_i >= x_j + w_ji.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinykd.compile.planner.exact import Pair
from tinykd.compile.planner.liveness import Buffer, Distances, aligned

ORDERS: tuple[Callable[[Buffer], Any], ...] = (
    lambda b: (-b.bytes, b.first, b.key),
    lambda b: (-b.bytes * (b.last - b.first + 1), b.first, b.key),
    lambda b: (-(b.last - b.first), -b.bytes, b.first, b.key),
    lambda b: (b.first, -b.bytes, b.key),
    lambda b: (-b.first, -b.bytes, b.key),
)
"""Orders of placement to start from: by size, area, lifetime, time, time backwards."""


def pairs_of(found: Sequence[Buffer], over: Distances, alignment: int) -> list[Pair]:
    """Buffers that exist together, by position in `found`, and how far apart they must start, rounded up to `alignment`."""
    pairs = []
    by_start = sorted(range(len(found)), key=lambda k: found[k].first)
    living: list[int] = []
    for j in by_start:
        two = found[j]
        living = [i for i in living if found[i].last >= two.first]
        for i in living:
            one = found[i]
            above = over.get((two.key, one.key), one.bytes)  # `two` is the input: it may start so little above the output
            below = over.get((one.key, two.key), two.bytes)
            pairs.append((i, j, aligned(above, alignment), aligned(below, alignment)))
        living.append(j)
    return pairs


def place(found: Sequence[Buffer], pairs: Sequence[Pair], bound: int, tries: int) -> tuple[int, ...]:
    """The offsets of the lowest of several placements.

    Args:
        bound: bytes; a placement of this height ends the search.
        tries: random changes of the best order, seeded, where no order reaches the bound.
    """
    sizes = [b.bytes for b in found]
    near: list[list[tuple[int, int, int]]] = [[] for _ in found]
    for i, j, w_ij, w_ji in pairs:
        near[i].append((j, w_ij, w_ji))
        near[j].append((i, w_ji, w_ij))
    best_order, best, lowest = list(range(len(found))), [], -1
    for key in ORDERS:
        order = sorted(range(len(found)), key=lambda k: key(found[k]))
        offsets = _lowest_first(order, near)
        height = _height(sizes, offsets)
        if lowest < 0 or height < lowest:
            best_order, best, lowest = order, offsets, height
        if lowest <= bound:
            return tuple(best)
    rng = np.random.default_rng(0)
    for _ in range(tries if len(found) > 2 else 0):
        order = list(best_order)
        moved = order.pop(int(rng.integers(len(order))))
        order.insert(int(rng.integers(len(order) + 1)), moved)
        offsets = _lowest_first(order, near)
        height = _height(sizes, offsets)
        if height <= lowest:
            best_order, best, lowest = order, offsets, height
        if lowest <= bound:
            break
    return tuple(best)


def _lowest_first(order: Sequence[int], near: Sequence[Sequence[tuple[int, int, int]]]) -> list[int]:
    """Each buffer at the lowest offset outside the open intervals that its placed neighbours forbid."""
    offsets = [-1] * len(order)
    for k in order:
        lowest = 0
        taken = [(offsets[other] - under, offsets[other] + above) for other, under, above in near[k] if offsets[other] >= 0]
        for start, end in sorted(taken):
            if start >= lowest:
                break
            lowest = max(lowest, end)
        offsets[k] = lowest
    return offsets


def _height(sizes: Sequence[int], offsets: Sequence[int]) -> int:
    return max((offset + size for offset, size in zip(offsets, sizes)), default=0)
