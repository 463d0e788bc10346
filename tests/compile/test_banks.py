"""An arena in several banks: against trying everything, and that no split is worse than a greedy one or overlaps."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from tinykd.compile.planner.banks import GRANULE, split
from tinykd.compile.planner.liveness import Buffer, aligned


@st.composite
def instances(draw: st.DrawFn, most: int) -> tuple[list[Buffer], dict[tuple[int, int], int], list[int], int]:
    steps = draw(st.integers(2, 6))
    found = []
    for key in range(draw(st.integers(1, most))):
        first = draw(st.integers(0, steps - 1))
        found.append(Buffer(key, 4 * draw(st.integers(1, 25)), first, draw(st.integers(first, steps - 1))))
    over = {}
    for one, two in itertools.permutations(found, 2):
        if one.last == two.first and one.first < two.first and draw(st.booleans()):
            over[one.key, two.key] = 4 * draw(st.integers(0, two.bytes // 4))
    rooms = [16 * draw(st.integers(0, 14)) for _ in range(draw(st.integers(1, 2)))]
    return found, over, [*rooms, 4096], steps


def least_height(members: list[Buffer], over: dict[tuple[int, int], int]) -> int:
    """Of a single bank: place in every order, each as low as the others allow; one order gives the least."""
    best = 1 << 30
    for order in itertools.permutations(members):
        offsets: dict[int, int] = {}
        for one in order:
            lowest = 0
            taken = []
            for other in order[: len(offsets)]:
                if one.first <= other.last and other.first <= one.last:
                    above = over.get((one.key, other.key), other.bytes)
                    below = over.get((other.key, one.key), one.bytes)
                    taken.append((offsets[other.key] - below, offsets[other.key] + above))
            for start, end in sorted(taken):
                if start >= lowest:
                    break
                lowest = max(lowest, end)
            offsets[one.key] = lowest
        best = min(best, max((offsets[one.key] + one.bytes for one in order), default=0))
    return aligned(best, GRANULE) if members else 0


def check(found: list[Buffer], over: dict[tuple[int, int], int], rooms: list[int], steps: int, seconds: float) -> tuple[int, bool]:
    """The bytes of the last bank and whether they are proved the least, after checking that the split is sound."""
    best, lacking = split(found, over, rooms, steps, 4, seconds)
    assert best is not None
    assert lacking == 0
    for one, bank, offset in zip(found, best.bank, best.offsets, strict=True):
        assert offset % 4 == 0
        assert 0 <= offset <= best.used[bank] - one.bytes
    assert all(used <= room for used, room in zip(best.used, rooms, strict=True))
    for (i, one), (j, two) in itertools.combinations(enumerate(found), 2):
        together = best.bank[i] == best.bank[j] and one.first <= two.last and two.first <= one.last
        apart = best.offsets[i] - best.offsets[j]
        below, above = -over.get((two.key, one.key), one.bytes), over.get((one.key, two.key), two.bytes)
        assert not (together and below < apart < above)
    return best.used[-1], best.proved


@settings(max_examples=40, deadline=None)
@given(instances(most=5))
def test_as_little_of_the_last_bank_as_trying_everything_finds(
    instance: tuple[list[Buffer], dict[tuple[int, int], int], list[int], int],
) -> None:
    found, over, rooms, steps = instance
    best = 1 << 30
    for choice in itertools.product(range(len(rooms)), repeat=len(found)):
        heights = [
            least_height([one for one, bank in zip(found, choice, strict=True) if bank == number], over) for number in range(len(rooms))
        ]
        if all(height <= room for height, room in zip(heights, rooms, strict=True)):
            best = min(best, heights[-1])
    assert check(found, over, rooms, steps, 60) == (best, True)


@settings(max_examples=60, deadline=None)
@given(instances(most=8))
def test_eight_buffers_are_settled_and_never_worse_than_greedy(
    instance: tuple[list[Buffer], dict[tuple[int, int], int], list[int], int],
) -> None:
    found, over, rooms, steps = instance
    least, proved = check(found, over, rooms, steps, 60)
    assert proved
    assert least <= check(found, over, rooms, steps, 0)[0]


def test_what_does_not_fit_says_by_how_much() -> None:
    found = [Buffer(0, 100, 0, 1), Buffer(1, 60, 0, 1)]
    assert split(found, {}, [96, 96], 2, 4, 1.0) == (None, 16)  # 112 in whole sixteens
    best, _ = split(found, {}, [64, 112], 2, 4, 1.0)
    assert best is not None
    assert best.bank == (1, 0)
