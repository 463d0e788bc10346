"""Variables that live across inferences: graphs that read and assign them in every order, against LiteRT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.compile.test_emit_operators import check_generated
from tinykd.compile.emit import tree
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Array, Graph, Op, Quant, State, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops.operator import View
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.plan import plan
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel

QUANT = Quant((0.5,), (3,))
SHAPE = (1, 4, 3)
START = np.arange(12, dtype=np.int8).reshape(SHAPE)

INPUT, STATE, VALUE, LARGER, OUTPUT = range(5)
READ = Op("READ_VARIABLE", (STATE,), (VALUE,))
ASSIGN = Op("ASSIGN_VARIABLE", (STATE, INPUT), ())
LARGEST = Op("MAXIMUM", (VALUE, INPUT), (LARGER,))
LEAST = Op("MINIMUM", (LARGER, VALUE), (OUTPUT,))

ORDERS: dict[str, tuple[tuple[Op, ...], bool]] = {
    "assigned after the last use": ((READ, LARGEST, LEAST, ASSIGN), True),
    "assigned between two uses": ((READ, LARGEST, ASSIGN, LEAST), False),
    "assigned before the first use": ((READ, ASSIGN, LARGEST, LEAST), False),
    "assigned before it is read": ((ASSIGN, READ, LARGEST, LEAST), True),
    "assigned what was computed": ((READ, LARGEST, LEAST, replace(ASSIGN, inputs=(STATE, LARGER))), True),
    "never assigned": ((READ, LARGEST, LEAST), True),
}
"""Operators in order, and whether the read needs no copy."""


def graph_of(ops: tuple[Op, ...]) -> Graph:
    tensors = tuple(Tensor(name, SHAPE, "int8", QUANT, source=k) for k, name in enumerate(("x", "state", "value", "larger", "y")))
    return Graph(tensors, ops, (INPUT,), (OUTPUT,), "one", states=(State(STATE, START),))


def feeds(count: int) -> list[tuple[Array]]:
    rng = np.random.default_rng(1)
    return [(rng.integers(-128, 128, SHAPE).astype(np.int8),) for _ in range(count)]


@pytest.mark.parametrize("order", ORDERS)
def test_sequences_equal_litert_in_numpy_and_c(order: str, tmp_path: Path) -> None:
    ops, in_place = ORDERS[order]
    model = write_model(graph_of(ops))
    program = compile_graph(read_model(model, "one"))
    (read,) = [layer for layer in program.layers if layer.op.kind == "READ_VARIABLE"]
    assert isinstance(read.call, View) == in_place
    judge, states = ReferenceInterpreter(model), None
    for fed in feeds(5):
        (want,) = judge.run(fed)
        values = simulate(program, fed, states)
        np.testing.assert_array_equal(values[program.graph.outputs[0]], want)
        states = {state.tensor: values[state.tensor] for state in program.graph.states}
    check_generated(program, model, feeds(5), tmp_path)


def test_a_model_may_be_called_like_a_kernel() -> None:
    program = compile_graph(replace(graph_of(ORDERS["never assigned"][0]), name="elementwise"))
    files = tree.model_files(program, plan(program), kernel_library())
    guards = [line for text in files.values() for line in text.splitlines() if line.startswith("#ifndef") and line.endswith("_H")]
    assert len(guards) == len(set(guards)) > 2


def test_the_past_matters() -> None:
    """Without this the sequences above could not fail."""
    program = compile_graph(graph_of(ORDERS["assigned after the last use"][0]))
    (first,), (second,) = feeds(2)
    fresh = simulate(program, (second,))[OUTPUT]
    states = {STATE: simulate(program, (first,))[STATE]}
    assert not np.array_equal(fresh, simulate(program, (second,), states)[OUTPUT])
    np.testing.assert_array_equal(states[STATE], first)


def test_a_state_shares_its_memory_with_nothing() -> None:
    memory = plan(compile_graph(graph_of(ORDERS["assigned between two uses"][0])))
    start, size = memory.offsets[STATE], 12
    for buffer in memory.buffers:
        if buffer.key != STATE:
            assert memory.offsets[buffer.key] >= start + size or memory.offsets[buffer.key] + buffer.bytes <= start


def test_a_reset_interpreter_is_as_a_fresh_one() -> None:
    model = write_model(graph_of(ORDERS["assigned after the last use"][0]))
    judge, (first, *_) = ReferenceInterpreter(model), feeds(1)
    want = judge.run(first)[0].copy()
    judge.run(feeds(2)[1])
    judge.reset()
    np.testing.assert_array_equal(judge.run(first)[0], want)


def test_a_state_that_is_fed_is_refused() -> None:
    graph = graph_of(ORDERS["never assigned"][0])
    with pytest.raises(UnsupportedModel, match="cannot be a state"):
        replace(graph, inputs=(INPUT, STATE)).check()


def test_a_variable_of_two_shapes_is_refused() -> None:
    graph = graph_of((READ, LARGEST, LEAST, ASSIGN))
    tensors = list(graph.tensors)
    tensors.append(Tensor("other", (1, 2), "int8", QUANT, np.zeros((1, 2), np.int8), len(tensors)))
    spoiled = replace(graph, tensors=tuple(tensors), ops=(*graph.ops[:3], replace(ASSIGN, inputs=(STATE, 5))))
    with pytest.raises(UnsupportedModel, match="and also int8"):
        read_model(write_model(spoiled))
