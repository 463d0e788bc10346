"""Which configurations are drawn, and when."""

from __future__ import annotations

from collections import Counter

from tinykd.distill.netaug.draws import Draws
from tinykd.distill.netaug.groups import Group
from tinykd.recipe.netaug import NetAug

GROUPS = (Group("a", (4, 7, 10), "width"), Group("b", (8, 16), "expand"), Group("c", (6,), "width"))


def draws(**section: object) -> Draws:
    return Draws(GROUPS, NetAug.model_validate(section), 3, 10)


def test_a_draw_depends_on_seed_and_step_alone() -> None:
    first = [list(draws().channels(step, 0)) for step in range(20)]
    assert [list(draws().channels(step, 0)) for step in reversed(range(20))] == first[::-1]
    assert [list(Draws(GROUPS, NetAug(), 4, 10).channels(step, 0)) for step in range(20)] != first


def test_every_width_of_every_group_is_as_likely_independently() -> None:
    found = Counter(tuple(draws().channels(step, 0).tolist()) for step in range(6000))
    assert set(found) == {(a, b, 6) for a in (4, 7, 10) for b in (8, 16)}
    # Binomial with p = 1/6 and 6000 draws: standard deviation 28.9; five of them.
    assert all(abs(count - 1000) < 145 for count in found.values())


def test_width_augmentation_ends_and_expansion_goes_on() -> None:
    late = [draws().channels(step, 5) for step in range(100)]
    assert {tuple(one.tolist()) for one in late} == {(4, 8, 6), (4, 16, 6)}
    assert draws(width_epochs=1.0).widens(9)
    assert not draws(width_epochs=0.0).widens(0)


def test_steps_without_anything_to_draw_are_plain() -> None:
    chain = Draws(GROUPS[:1], NetAug(), 0, 10)
    assert chain.channels(0, 4) is not None
    assert chain.channels(0, 5) is None
    assert chain.augmented_steps(7) == 35


def test_every_third_step() -> None:
    assert [draws(every=3).channels(step, 0) is not None for step in range(7)] == [True, False, False, True, False, False, True]
    assert draws(every=3).augmented_steps(7) == len(range(0, 70, 3))
