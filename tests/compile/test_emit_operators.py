"""Every operator through the whole compiler: generated C of a graph that holds it computes LiteRT's integers."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.kernels import SANITIZERS, WARNINGS, host_compiler
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Array
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Case
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Program, lower
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model


def widest(kind: str) -> Case:
    """Of a few cases, the one with the most tensors: it has constant operands, biases, many parts."""
    cases = [OPERATORS[kind].cases(np.random.default_rng([seed, 31])) for seed in range(12)]
    return max(cases, key=lambda case: len(case.graph.tensors) + sum(t.is_constant for t in case.graph.tensors))


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_generated_c_of_one_operator_equals_litert(kind: str, tmp_path: Path) -> None:
    case = widest(kind)
    model = write_model(case.graph)
    check_generated(lower(read_model(model, "one")), model, (case.inputs, *case.later), tmp_path)


def check_generated(program: Program, model: bytes, feeds: Sequence[tuple[Array, ...]], tmp_path: Path) -> None:
    """Generated C of `program`, named `one`, gives LiteRT's outputs for `feeds` in a row, twice, each time from a reset."""
    judge = ReferenceInterpreter(model)
    memory = plan(program)
    for path, text in tree.single_file(program, memory, kernel_library()).items():
        (tmp_path / path).write_text(text)
    target = tmp_path / "one.so"
    sources = [str(path) for path in tmp_path.glob("*.c")]
    command = [*host_compiler(), "-shared", "-fPIC", *WARNINGS, *SANITIZERS, f"-I{tmp_path}", *sources, "-o", str(target)]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(target))
    memory_block = np.full(memory.arena_bytes + 64, 0x5A, np.uint8)
    arena = ctypes.c_void_p(memory_block.ctypes.data + -memory_block.ctypes.data % 16)

    def port(role: str, position: int, count: int) -> int:
        function = getattr(library, f"tinykd_one_{role}" if count == 1 else f"tinykd_one_{role}_{position}")
        function.restype = ctypes.c_void_p
        return int(function(arena))

    def infer(fed: tuple[Array, ...]) -> None:
        want = judge.run(fed)
        values: list[Array] = [np.ascontiguousarray(value) for value in fed]
        for position, value in enumerate(values):
            ctypes.memmove(port("input", position, len(values)), value.ctypes.data, value.nbytes)
        assert library.tinykd_one_invoke(arena) == 0
        for position, expected in enumerate(want):
            got = np.zeros_like(expected)
            ctypes.memmove(got.ctypes.data, port("output", position, len(want)), got.nbytes)
            np.testing.assert_array_equal(got, expected)

    for _ in range(2):  # the second round starts from a reset, as the first did
        judge.reset()
        if program.graph.states:
            library.tinykd_one_reset(arena)
        for fed in feeds:
            infer(fed)
