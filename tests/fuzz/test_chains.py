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
from tinykd.compile.writer import write_model
from tinykd.errors import TinykdError

FIRST = int(os.environ.get("TINYKD_FUZZ_SEED", "0"))
GRAPHS = int(os.environ.get("TINYKD_FUZZ_CHAINS", "300"))
GRAPHS_IN_C = int(os.environ.get("TINYKD_FUZZ_CHAINS_C", "60"))
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


def test_the_rewrites_have_something_to_rewrite() -> None:
    """Graphs that no rewrite touches would prove nothing about them."""
    plain = rewritten = 0
    for seed in range(60):
        variants = compiled(seed).variants
        plain += len(variants[0].program.layers)
        rewritten += len(variants[1].program.layers)
    assert rewritten < 0.95 * plain
