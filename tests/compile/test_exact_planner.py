"""The exact search against trying everything."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compile.models import conv_then_dense
from tinykd.compile.planner import exact
from tinykd.compile.planner.liveness import Buffer
from tinykd.compile.planner.plan import plan, plan_buffers
from tinykd.compile.program import lower

MOST_PAIRS = 11


@st.composite
def instances(draw: st.DrawFn) -> tuple[list[int], list[exact.Pair]]:
    """Up to 12 buffers, pairs that exist together, and for some of them a distance smaller than a buffer."""
    count = draw(st.integers(1, 12))
    sizes = [4 * draw(st.integers(1, 30)) for _ in range(count)]
    every = list(itertools.combinations(range(count), 2))
    chosen = draw(st.lists(st.sampled_from(every), unique=True, max_size=MOST_PAIRS)) if every else []
    pairs = []
    for i, j in chosen:
        above = 4 * draw(st.integers(0, sizes[i] // 4)) if draw(st.booleans()) else sizes[i]
        pairs.append((i, j, above, sizes[j]))
    return sizes, pairs


def everything(sizes: list[int], pairs: list[exact.Pair]) -> int:
    """The least height over all choices for all pairs: least offsets are longest paths, found by repeated relaxation."""
    best = sum(sizes)
    for choice in itertools.product((True, False), repeat=len(pairs)):
        offsets = [0] * len(sizes)
        for _ in range(len(sizes) + 1):
            changed = False
            for (i, j, w_ij, w_ji), up in zip(pairs, choice, strict=True):
                low, high, weight = (i, j, w_ij) if up else (j, i, w_ji)
                if offsets[high] < offsets[low] + weight:
                    offsets[high], changed = offsets[low] + weight, True
            if not changed:
                best = min(best, max(o + s for o, s in zip(offsets, sizes, strict=True)))
                break
    return best


@settings(max_examples=60, deadline=None)
@given(instances())
def test_search_finds_what_trying_everything_finds(instance: tuple[list[int], list[exact.Pair]]) -> None:
    sizes, pairs = instance
    height = sum(sizes) + 4
    outcome = exact.search(sizes, pairs, height, 4, seconds=60)
    assert outcome.proved
    assert outcome.offsets is not None
    for i, j, w_ij, w_ji in pairs:
        assert outcome.offsets[j] - outcome.offsets[i] >= w_ij or outcome.offsets[i] - outcome.offsets[j] >= w_ji
    assert max(o + s for o, s in zip(outcome.offsets, sizes, strict=True)) == everything(sizes, pairs)


@settings(max_examples=60, deadline=None)
@given(instances())
def test_nothing_is_found_below_the_least_height(instance: tuple[list[int], list[exact.Pair]]) -> None:
    sizes, pairs = instance
    outcome = exact.search(sizes, pairs, everything(sizes, pairs), 4, seconds=60)
    assert outcome.offsets is None
    assert outcome.proved


def test_many_buffers_at_once_end_with_the_time() -> None:
    """A hundred buffers that all exist together, and some that come and go: deep, and hopeless to finish."""
    sizes = [16 * (k % 7 + 1) for k in range(110)]
    pairs = [(i, j, sizes[i], sizes[j]) for i, j in itertools.combinations(range(110), 2) if (i * j) % 3]
    outcome = exact.search(sizes, pairs, sum(sizes), 16, seconds=1)
    if outcome.offsets is not None:
        for i, j, w_ij, w_ji in pairs:
            assert outcome.offsets[j] - outcome.offsets[i] >= w_ij or outcome.offsets[i] - outcome.offsets[j] >= w_ji


def test_no_time_is_no_proof() -> None:
    sizes = [4] * 12
    pairs = [(i, j, 4, 4) for i, j in itertools.combinations(range(12), 2)]
    assert not exact.search(sizes, pairs, 1000, 4, seconds=-1).proved


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=7))
def test_plans_are_never_above_the_greedy_ones(rows: list[tuple[int, int, int]]) -> None:
    found = tuple(Buffer(key, 16 * size, first, first + length) for key, (size, first, length) in enumerate(rows))
    steps = max(b.last for b in found) + 1
    greedy, best = plan_buffers(found, steps, {}, seconds=0), plan_buffers(found, steps, {}, seconds=30)
    assert best.arena_bytes <= greedy.arena_bytes
    assert best.optimal
    assert best.arena_bytes >= best.lower_bound


def test_where_greedy_placement_fails() -> None:
    """Four buffers whose best arena needs one of them lifted; lowest-first orders can find it only by luck."""
    found = (Buffer(0, 32, 0, 1), Buffer(1, 48, 1, 2), Buffer(2, 32, 2, 3), Buffer(3, 48, 3, 4), Buffer(4, 16, 0, 4))
    assert plan_buffers(found, 5, {}).arena_bytes == 96


@pytest.mark.parametrize("seconds", [0.0, 10.0])
def test_a_program_is_planned_with_its_distances(seconds: float) -> None:
    """CONV_2D 3x3, stride 2, SAME, [1,6,6,2] -> [1,3,3,4]; its output may follow its input at some distance."""
    program = lower(conv_then_dense())
    memory = plan(program, seconds)
    (distance,) = program.layers[0].row.distances(program.layers[0].parameters)
    assert distance is not None
    assert memory.arena_bytes == -(-max(36, distance + 72) // 16) * 16
    assert memory.optimal
