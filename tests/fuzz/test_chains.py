"""Random models made of the operator table: LiteRT, NumPy and C compute the same integers, whatever is rewritten.

TINYKD_FUZZ_CHAINS and TINYKD_FUZZ_CHAINS_C say how many graphs are compared in NumPy and in C; the first is
TINYKD_FUZZ_SEED. A failure names its seed: `random_graph(seed)` gives the graph again.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.chains import more_inputs, random_graph
from tests.fuzz.differential import Subject, c_differences, numpy_differences, subject
from tinykd.compile.ops import OPERATORS
from tinykd.compile.passes import chosen, compile_graph
from tinykd.compile.program import Program
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.errors import TinykdError

FIRST = int(os.environ.get("TINYKD_FUZZ_SEED", "0"))
GRAPHS = int(os.environ.get("TINYKD_FUZZ_CHAINS", "250"))
GRAPHS_IN_C = int(os.environ.get("TINYKD_FUZZ_CHAINS_C", "40"))
SAMPLES = 3
BATCH = 20


def compiled(seed: int) -> Subject:
    case = random_graph(seed)
    return subject(f"g{seed}", write_model(case.graph), more_inputs(case, seed, SAMPLES))


def test_numpy_equals_litert() -> None:
    differences: list[str] = []
    refused: list[str] = []
    kinds: set[str] = set()
    for seed in range(FIRST, FIRST + GRAPHS):
        try:
            one = compiled(seed)
        except TinykdError as error:
            if " loops, the kernel has " not in error.message:  # copies along very many axes are refused
                refused.append(f"seed {seed}: {error.message}")
            continue
        differences += numpy_differences(one)
        kinds |= {layer.op.kind for layer in one.variants[0].program.layers}
    assert differences == []
    assert refused == [], "the table's own cases, wired together, are models that the compiler takes"
    if len(OPERATORS) <= GRAPHS:
        assert kinds == set(OPERATORS)


@pytest.mark.parametrize("start", range(FIRST, FIRST + GRAPHS_IN_C, BATCH))
def test_c_equals_litert(start: int, tmp_path: Path) -> None:
    subjects = [compiled(seed) for seed in range(start, min(start + BATCH, FIRST + GRAPHS_IN_C))]
    assert c_differences(subjects, tmp_path) == []


CONVERTED_ONLY = ("unsigned-to-signed",)
"""Rewrites of what the table's own cases do not hold."""


@pytest.mark.parametrize("name", [name for name in chosen() if name not in CONVERTED_ONLY])
def test_every_rewrite_has_something_to_rewrite(name: str) -> None:
    """Graphs that a rewrite leaves alone would prove nothing about it."""
    for seed in range(400):
        graph = read_model(write_model(random_graph(seed).graph))
        if _calls(compile_graph(graph)) != _calls(compile_graph(graph, without=(name,))):
            return
    pytest.fail(f"400 graphs compile alike with and without {name}")


def _calls(program: Program) -> list[tuple[object, ...]]:
    return [(layer.op, layer.row.kind, getattr(layer.call, "function", "view"), layer.macs) for layer in program.layers]
