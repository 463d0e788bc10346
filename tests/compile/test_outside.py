"""Inputs and outputs outside the arena: the same integers, an input that survives, an arena that shrinks by what left it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.compile.models import conv_then_dense
from tests.compile.test_emit import compiled, written
from tests.compile.test_emit_operators import widest
from tests.compile.test_variables import INPUT, LARGER, LARGEST, LEAST, READ, STATE, graph_of
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.reshape import ReshapeOptions
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.banks import in_banks
from tinykd.compile.planner.outside import caller_buffers
from tinykd.compile.planner.plan import Plan, plan
from tinykd.compile.program import Program, lower
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model


def input_also_out() -> Graph:
    graph = conv_then_dense()
    return replace(graph, outputs=(0, 6))


def output_twice() -> Graph:
    return replace(conv_then_dense(), outputs=(6, 3, 6))


def state_also_out() -> Graph:
    """The state is read in place, so the output of READ_VARIABLE is a view of it."""
    graph = graph_of((READ, LARGEST, LEAST))
    return replace(graph, outputs=(READ.outputs[0], LARGER, LEAST.outputs[0]))


def reshaped() -> Graph:
    """The output is a view of what a layer computed."""
    graph = conv_then_dense()
    shape = replace(graph.tensors[6], name="shape", shape=(1,), dtype="int32", quant=None, data=np.array([5], np.int32))
    flat = replace(graph.tensors[6], name="flat", shape=(5,))
    tensors = (*graph.tensors, shape, flat)
    return replace(graph, tensors=tensors, ops=(*graph.ops, Op("RESHAPE", (6, 7), (8,), ReshapeOptions())), outputs=(8,))


GRAPHS: tuple[Callable[[], Graph], ...] = (conv_then_dense, input_also_out, output_twice, state_also_out, reshaped)


def invoke(library: ctypes.CDLL, program: Program, memory: Plan, fed: Sequence[Array]) -> list[Array]:
    """One inference from a reset, each buffer between guards."""
    prefix, graph = f"tinykd_{program.graph.name}", program.graph
    values = [np.ascontiguousarray(value) for value in fed]
    results = [np.zeros(graph.tensors[i].shape, graph.tensors[i].dtype) for i in graph.outputs]
    parts = {bank.name: max(bank.bytes, 16) for bank in memory.banks} or {"ram": max(memory.arena_bytes, 16)}
    arenas = [parts.pop("ram", 16), *parts.values()]
    sizes = [*arenas, *(value.nbytes for value in values), *(result.nbytes for result in results)]
    guarded = [np.full(size + 64 + 16, 0x5A, np.uint8) for size in sizes]
    starts = [-block.ctypes.data % 16 + 32 for block in guarded]
    pointers = [ctypes.c_void_p(block.ctypes.data + start) for block, start in zip(guarded, starts)]
    ends = len(arenas)
    for pointer, value in zip(pointers[ends:], values):
        ctypes.memmove(pointer, value.ctypes.data, value.nbytes)
    if graph.states:
        getattr(library, f"{prefix}_reset")(*pointers[:ends])
    assert getattr(library, f"{prefix}_invoke")(*pointers) == 0
    for block, start, size in zip(guarded, starts, sizes):
        assert (block[:start] == 0x5A).all()
        assert (block[start + size :] == 0x5A).all()
    for block, start, value in zip(guarded[ends:], starts[ends:], values):
        assert bytes(block[start : start + value.nbytes]) == value.tobytes(), "an input is const"
    for result, pointer in zip(results, pointers[ends + len(values) :]):
        ctypes.memmove(result.ctypes.data, pointer, result.nbytes)
    return results


@pytest.mark.parametrize("kind", sorted(OPERATORS))
def test_every_operator_between_buffers_of_the_caller(kind: str, tmp_path: Path) -> None:
    """With half of what else it needs in another bank."""
    case = widest(kind)
    program = lower(read_model(write_model(case.graph), "one"))
    whole = plan(program, outside=caller_buffers(program))
    memory = in_banks(program, whole, {"fast": whole.arena_bytes // 2, "ram": 2 * whole.arena_bytes}) if whole.buffers else whole
    folder = written(tree.single_file(program, memory, kernel_library()), tmp_path)
    library = compiled(list(folder.glob("*.c")), [folder], folder)
    expected = simulate(program, case.inputs)
    for index, computed in zip(program.graph.outputs, invoke(library, program, memory, case.inputs), strict=True):
        assert computed.tobytes() == np.ascontiguousarray(expected[index]).tobytes()


@pytest.mark.parametrize("banks", [{}, {"fast": 16, "ram": 4096}, {"fast": 4096}], ids=["arena", "two banks", "another bank"])
@pytest.mark.parametrize("build", GRAPHS)
def test_same_integers(build: Callable[[], Graph], banks: dict[str, int], tmp_path: Path) -> None:
    program = compile_graph(build())
    memory = plan(program, outside=caller_buffers(program))
    memory = in_banks(program, memory, banks) if banks else memory
    folder = written(tree.single_file(program, memory, kernel_library()), tmp_path)
    library = compiled(list(folder.glob("*.c")), [folder], folder)
    rng = np.random.default_rng(3)
    for _ in range(10):
        x = rng.integers(-128, 128, program.tensor(program.graph.inputs[0]).shape).astype(np.int8)
        expected = simulate(program, [x])
        for index, computed in zip(program.graph.outputs, invoke(library, program, memory, [x]), strict=True):
            np.testing.assert_array_equal(computed, expected[index])


def test_the_arena_holds_what_lies_between() -> None:
    program = compile_graph(conv_then_dense())
    assert plan(program).arena_bytes == 80  # 72 of input, over whose end 36 of features are written, in whole sixteens
    assert plan(program, outside=caller_buffers(program)).arena_bytes == 48


def test_a_state_stays() -> None:
    program = compile_graph(state_also_out())
    assert STATE not in caller_buffers(program)
    assert INPUT in caller_buffers(program)


def test_crooked_buffers_are_refused(tmp_path: Path) -> None:
    program = compile_graph(conv_then_dense())
    folder = written(tree.single_file(program, plan(program, outside=caller_buffers(program)), kernel_library()), tmp_path)
    library = compiled(list(folder.glob("*.c")), [folder], folder)
    good = [ctypes.c_void_p(0x10000)] * 3
    for position, bad in ((0, 0x10008), (1, 0x10002), (2, 0x10001), (0, None), (1, None), (2, None)):
        assert library.tinykd_small_invoke(*(ctypes.c_void_p(bad) if k == position else one for k, one in enumerate(good))) == -1
