"""Chains and backward layers: the same integers in every tensor, whatever chains are forced, in C under sanitizers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.compile.row_networks import random_network
from tests.fuzz.differential import Subject, Variant, c_differences, computed
from tinykd.compile.planner.plan import Plan, plan
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program, lower
from tinykd.compile.specialise import specialise
from tinykd.compile.stream.chain import Chain, chain_of
from tinykd.compile.stream.rows import rows_of
from tinykd.compile.stream.schedule import Schedule, can_go_backward

NETWORKS, BATCH = 120, 40
FEATURES = ((), ("dsp",))


def random_schedule(program: Program, rng: np.random.Generator) -> Schedule:
    """Chains of random neighbours, many or few; every other layer may run backward."""
    chains, first, share = list[Chain](), 0, float(rng.choice([0.9, 0.2]))
    while first < len(program.layers) - 1:
        last = min(first + int(rng.integers(1, 8)), len(program.layers) - 1)
        while last > first and (one := chain_of(program, program.layers[first : last + 1])) is None:
            last -= 1
        if last > first and rng.random() < share:
            assert one is not None
            chains.append(one)
        first = last + 1
    schedule = Schedule(tuple(chains))
    rows = [rows_of(program, layer) for layer in program.layers if schedule.chain_at(layer.index) is None]
    return replace(schedule, backward=can_go_backward([one for one in rows if one is not None]))


def forced(seed: int) -> tuple[Program, Plan]:
    """A network with random chains."""
    graph = replace(random_network(seed), name=f"rows{seed}")
    program = specialise(lower(graph), FEATURES[seed % len(FEATURES)])
    return program, plan(program, 0.2, schedule=random_schedule(program, np.random.default_rng([seed, 1])))


def samples(program: Program, seed: int) -> list[tuple[np.ndarray, ...]]:
    rng = np.random.default_rng([seed, 2])
    (source,) = [program.tensor(i) for i in program.graph.inputs]
    limits = np.iinfo(source.dtype)
    return [(rng.integers(limits.min, limits.max + 1, source.shape).astype(source.dtype),) for _ in range(2)]


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler with sanitizers")
@pytest.mark.parametrize("start", range(0, NETWORKS, BATCH))
def test_every_tensor_of_random_chains(start: int, tmp_path: Path) -> None:
    subjects = []
    for seed in range(start, start + BATCH):
        program, memory = forced(seed)
        fed = samples(program, seed)
        subjects.append(Subject(f"rows{seed}", tuple(fed), (Variant(f"rows{seed}", program, computed(program, fed), memory),)))
    assert c_differences(subjects, tmp_path) == []


def test_random_schedules_reach_what_they_are_for() -> None:
    """Windows of one row and of several, branches, dilation, layers without rows that nothing asks for, backward layers."""
    plans = [forced(seed)[1] for seed in range(NETWORKS)]
    chains = [one for memory in plans for one in memory.schedule.chains]
    held = [window for one in chains for window in one.held.values()]
    assert len(chains) > NETWORKS // 2
    assert sum(len(one.stages) > 3 for one in chains) > NETWORKS // 10
    assert {1, 2, 3, 4} <= {window.capacity for window in held}
    assert any(len(one.readers(tensor)) > 1 for one in chains for tensor in one.held)
    assert any(len(one.sources) > 1 for one in chains)
    kinds = {rows.layer.op.kind for one in chains for rows in one.stages}
    assert kinds >= {
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "MAX_POOL_2D",
        "AVERAGE_POOL_2D",
        "ADD",
        "SUB",
        "MUL",
        "CONCATENATION",
        "RELU",
        "PRELU",
    }
    assert any(window.computed < rows.count for one in chains for rows in one.stages if (window := one.held.get(rows.output)))
    assert sum(len(memory.schedule.backward) for memory in plans) > NETWORKS // 10
    assert any(distance > 0 for one in chains for distance in one.distances.values())


@pytest.mark.parametrize("seed", range(40))
def test_ram_is_never_larger_than_balanced_nor_that_than_speed(seed: int) -> None:
    program = lower(random_network(seed))
    arenas = [plan_for(program, optimize, seconds=0.2).arena_bytes for optimize in ("ram", "balanced", "speed")]
    assert arenas == sorted(arenas)


def every_schedule(program: Program, first: int = 0) -> Iterator[tuple[Chain, ...]]:
    """All ways to cut the layers from `first` on into chains and single layers."""
    if first >= len(program.layers):
        yield ()
        return
    yield from every_schedule(program, first + 1)
    for last in range(first + 1, len(program.layers)):
        one = chain_of(program, program.layers[first : last + 1])
        if one is not None:
            yield from ((one, *others) for others in every_schedule(program, last + 1))


SMALL = [seed for seed in range(60) if len(random_network(seed).ops) <= 7]


@pytest.mark.parametrize("seed", SMALL)
def test_no_schedule_has_a_smaller_arena_than_ram(seed: int) -> None:
    """Against exhaustive search, every other layer free to run backward."""
    program = lower(random_network(seed))
    rows = [one for layer in program.layers if (one := rows_of(program, layer)) is not None]
    arenas = []
    for chains in every_schedule(program):
        cut = Schedule(chains)
        backward = can_go_backward([one for one in rows if cut.chain_at(one.layer.index) is None])
        arenas.append(plan(program, schedule=replace(cut, backward=backward)).arena_bytes)
    assert plan_for(program, "ram").arena_bytes == min(arenas)
