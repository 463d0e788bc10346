"""Damaged `.tflite` files: always a Graph or a TinykdError, never a crash, a hang or a memory blow-up.

TINYKD_FUZZ_FILES says how many, TINYKD_FUZZ_SEED where the numbering starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tests
from tests.compile.models import conv_then_dense, conv_then_dense_bytes
from tests.fuzz.mutation import DAMAGE, mutated, places
from tests.fuzz.survival import SLOWEST_SECONDS
from tinykd.compile.graph import Graph
from tinykd.compile.ops import OPERATORS
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel

FILES = int(os.environ.get("TINYKD_FUZZ_FILES", "5000"))
FIRST = int(os.environ.get("TINYKD_FUZZ_SEED", "0"))
ROOT = Path(tests.__file__).parent.parent


def test_mutated_files_are_graphs_or_errors() -> None:
    command = [sys.executable, "-m", "tests.fuzz.survival", str(FIRST), str(FILES)]
    outcome = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60 + FILES, check=False)
    assert outcome.returncode == 0, f"the process ended with {outcome.returncode}: {outcome.stderr[-2000:]}"
    found = json.loads(outcome.stdout)
    assert found["failures"] == {}
    assert found["files"] == FILES
    assert found["slowest_seconds"] < SLOWEST_SECONDS
    assert found["grown_kib"] < 600 << 10
    # each layer of defence is reached, or the mutations are all too coarse or all harmless
    for verdict in ("refused by the reader", "refused by the operators", "compiled"):
        assert found["outcomes"][verdict] > FILES // 50, found["outcomes"]


@pytest.mark.parametrize("name", DAMAGE)
def test_every_kind_of_damage_changes_bytes(name: str) -> None:
    model = conv_then_dense_bytes()
    damaged = bytearray(model)
    rng = np.random.default_rng(0)
    for _ in range(20):
        DAMAGE[name](rng, damaged, places(model))
        if bytes(damaged) != model:
            return
    pytest.fail("twenty hits left the model as it was")


def test_mutation_is_reproducible() -> None:
    model = conv_then_dense_bytes()
    once, twice = (mutated(model, places(model), np.random.default_rng([5, 1])) for _ in range(2))
    assert once == twice != model


def test_places_are_where_the_numbers_are() -> None:
    """A hand-checked place: the schema version, 3, is a 4-byte field of the root table."""
    model = conv_then_dense_bytes()
    numbers = {int.from_bytes(model[p.at : p.at + p.size], "little") for p in places(model) if p.kind == "i"}
    assert 3 in numbers
    shapes = [int.from_bytes(model[p.at : p.at + 4], "little") for p in places(model) if p.kind == "i" and p.size == 4]
    assert shapes.count(36) >= 1  # the dense layer's columns, which are nowhere else


@pytest.mark.parametrize("shape", [(0, 1 << 30, 1 << 30, 1 << 30), (1 << 29,)])
def test_impossible_shapes(shape: tuple[int, ...]) -> None:
    """Nothing times billions is still a shape that no array can have."""
    graph = conv_then_dense()
    tensors = (*graph.tensors, replace(graph.tensors[0], name="huge", shape=shape))
    with pytest.raises(UnsupportedModel, match="'huge' has the impossible shape"):
        read_model(write_model(replace(graph, tensors=tensors)))


def test_a_state_is_not_allocated_before_its_size_is_checked() -> None:
    case = OPERATORS["SVDF"].cases(np.random.default_rng(0))
    state = case.graph.states[0].tensor
    tensors = tuple(replace(t, shape=(1, 1 << 27)) if k == state else t for k, t in enumerate(case.graph.tensors))
    with pytest.raises(UnsupportedModel, match="between inferences"):
        read_model(write_model(replace(case.graph, tensors=tensors)))


def _with_ends(inputs: tuple[int, ...], outputs: tuple[int, ...]) -> bytes:
    graph = conv_then_dense()
    return write_model(Graph(graph.tensors, graph.ops, inputs, outputs, name="small"))


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ((0, 1), (6,), "graph input 'kernel' is a constant"),
        ((0, 0), (6,), "graph input 'image' is listed twice"),
        ((0,), (6, 1), "graph output 'kernel' is a constant"),
    ],
)
def test_ends_of_the_graph_are_activations(inputs: tuple[int, ...], outputs: tuple[int, ...], message: str) -> None:
    """Found by mutation: the planner gave constants no place in the arena, and failed where the caller would write them."""
    with pytest.raises(UnsupportedModel, match=message):
        read_model(_with_ends(inputs, outputs))
