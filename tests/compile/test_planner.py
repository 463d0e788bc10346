"""Plans against brute force and by their own definition."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykd.compile.planner import plan as planning
from tinykd.compile.planner.liveness import Buffer, live_bytes
from tinykd.compile.planner.plan import Plan
from tinykd.errors import TinykdError

buffers = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=6).map(
    lambda rows: tuple(Buffer(key, 4 * size, first, first + length) for key, (size, first, length) in enumerate(rows))
)


def place(found: tuple[Buffer, ...]) -> Plan:
    """The plan of bare buffers, through the same placement as programs'."""
    return planning.plan_buffers(found, steps=max(b.last for b in found) + 1, over={})


def overlaps(found: tuple[Buffer, ...], offsets: dict[int, int]) -> bool:
    """The definition: some two buffers share a step and a byte."""
    for step in range(20):
        taken: set[int] = set()
        for b in found:
            if b.first <= step <= b.last:
                extent = set(range(offsets[b.key], offsets[b.key] + b.bytes))
                if extent & taken:
                    return True
                taken |= extent
    return False


@given(buffers)
def test_no_two_live_buffers_share_a_byte(found: tuple[Buffer, ...]) -> None:
    result = place(found)
    assert not overlaps(found, result.offsets)
    assert result.arena_bytes >= max(result.offsets[b.key] + b.bytes for b in found)
    assert result.arena_bytes % 16 == 0
    assert all(offset % 4 == 0 for offset in result.offsets.values())


@given(buffers)
def test_lower_bound_is_the_largest_live_set(found: tuple[Buffer, ...]) -> None:
    steps = max(b.last for b in found) + 1
    bound = max(sum(b.bytes for b in found if b.first <= t <= b.last) for t in range(steps))
    result = place(found)
    assert max(live_bytes(found, steps)) == bound
    assert bound <= result.arena_bytes
    assert -(-bound // 16) * 16 <= result.lower_bound <= result.arena_bytes


def test_chain_reuses_memory() -> None:
    """Input 64 -> 256 -> 32 -> 16: the pair 64 + 256 is the peak."""
    found = (Buffer(0, 64, 0, 0), Buffer(1, 256, 0, 1), Buffer(2, 32, 1, 2), Buffer(3, 16, 2, 2))
    assert place(found).arena_bytes == 320


def test_residual_block_reaches_its_bound() -> None:
    """The skipped tensor lives across two layers."""
    found = (Buffer(0, 100, 0, 2), Buffer(1, 100, 0, 1), Buffer(2, 100, 1, 2), Buffer(3, 100, 2, 2))
    result = place(found)
    assert result.arena_bytes == 304
    assert result.optimal


def test_overlap_is_detected() -> None:
    found = (Buffer(0, 16, 0, 1), Buffer(1, 16, 1, 2))
    for shift in itertools.chain(range(16), [-16]):
        with pytest.raises(TinykdError):
            Plan(found, {0: 0, 1: shift}, {}, 32, 32, (16, 32, 16), {}).check()
    Plan(found, {0: 0, 1: 16}, {}, 32, 32, (16, 32, 16), {}).check()
