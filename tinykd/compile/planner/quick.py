"""Offsets in a few milliseconds, the same on every machine: what searches over schedules and students ask for.

Placement reaches the lower bound or comes near it; where it does not, the exact search is asked, for so many decisions that
networks of some hundred layers are still planned at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinykd.compile.planner import exact, greedy
from tinykd.compile.planner.exact import Pair
from tinykd.compile.planner.liveness import Buffer, aligned

DECISIONS = 500
"""For each height that is tried. A chain of layers takes about one a layer."""


def place(found: Sequence[Buffer], pairs: Sequence[Pair], bound: int, granule: int) -> tuple[int, ...]:
    """Offsets by position.

    Args:
        pairs: buffers that exist together (see `greedy.pairs_of`).
        bound: bytes that no plan goes below, a multiple of `granule`.
        granule: what arenas are rounded up to.
    """
    offsets = greedy.place(found, pairs, bound, tries=0)
    height = aligned(max((offset + b.bytes for offset, b in zip(offsets, found)), default=0), granule)
    if height <= bound:
        return offsets
    outcome = exact.search([b.bytes for b in found], pairs, height, granule, math.inf, least=bound, decisions=DECISIONS)
    return offsets if outcome.offsets is None else outcome.offsets
