"""Rewrites: each does what it says on a graph made for it, and no output integer changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.compile.models import conv_then_dense
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.conv_2d import Conv2D, Conv2DOptions
from tinykd.compile.ops.operator import View
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reduction import ReducerOptions
from tinykd.compile.passes import GRAPH_PASSES, PROGRAM_PASSES, compile_graph
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import Program, lower
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model
from tinykd.errors import UsageError

FINE = Quant((0.05,), (-3,))
COARSE = Quant((0.11,), (9,))
RECTIFIED = Quant((0.05,), (-128,))


class Builder:
    """A graph under construction: each method adds an operator and returns its output."""

    def __init__(self, *shape: int, quant: Quant = FINE) -> None:
        self.tensors: list[Tensor] = []
        self.ops: list[Op] = []
        self.input = self.tensor(shape, quant)

    def tensor(self, shape: tuple[int, ...], quant: Quant | None, data: Array | None = None, dtype: str = "int8") -> int:
        index = len(self.tensors)
        self.tensors.append(Tensor(f"t{index}", shape, dtype, quant, data, index))
        return index

    def constant(self, values: Any, dtype: str, quant: Quant | None = None) -> int:
        data = np.array(values, dtype)
        return self.tensor(data.shape, quant, data, dtype)

    def op(self, kind: str, inputs: tuple[int, ...], shape: tuple[int, ...], quant: Quant, options: Any = None) -> int:
        output = self.tensor(shape, quant)
        self.ops.append(Op(kind, inputs, (output,), options))
        return output

    def conv(self, x: int, filters: int, size: int, quant: Quant, padding: int = 1, stride: int = 1) -> int:
        _, height, width, depth = self.tensors[x].shape
        rng = np.random.default_rng(len(self.tensors))
        source = self.tensors[x].quant
        assert source is not None
        w = self.constant(rng.integers(-127, 128, (filters, size, size, depth)), "int8", Quant((0.01,), (0,)))
        b = self.constant(rng.integers(-99, 99, filters), "int32", Quant((source.scale * 0.01,), (0,)))
        side = (lambda n: -(-n // stride)) if padding == 0 else (lambda n: (n + stride - size) // stride)
        return self.op("CONV_2D", (x, w, b), (1, side(height), side(width), filters), quant, Conv2DOptions(padding, stride, stride))

    def pad(self, x: int, borders: list[list[int]]) -> int:
        shape = tuple(n + sum(b) for n, b in zip(self.tensors[x].shape, borders, strict=True))
        quant = self.tensors[x].quant
        assert quant is not None
        return self.op("PAD", (x, self.constant(borders, "int32")), shape, quant)

    def graph(self, *outputs: int) -> Graph:
        """The graph as a reader sees it, with scales in float32."""
        return read_model(write_model(Graph(tuple(self.tensors), tuple(self.ops), (self.input,), outputs, "built")))


def kinds(program: Program) -> list[str]:
    return [layer.op.kind for layer in program.layers if not isinstance(layer.call, View)]


def same_integers(graph: Graph, program: Program) -> None:
    """The rewritten program equals LiteRT on the graph as it was."""
    judge = ReferenceInterpreter(write_model(graph))
    rng = np.random.default_rng(5)
    for number in range(20):
        shape = graph.tensors[graph.inputs[0]].shape
        x = rng.integers(-128, 128, shape).astype(np.int8) if number else np.full(shape, -128, np.int8)
        expected = judge.run([x])
        computed = simulate(program, [x])
        for want, index in zip(expected, program.graph.outputs, strict=True):
            np.testing.assert_array_equal(computed[index], want)


@pytest.mark.parametrize("padding", [0, 1])
def test_padding_folds_into_convolution(padding: int) -> None:
    b = Builder(1, 7, 6, 3)
    graph = b.graph(b.conv(b.pad(b.input, [[0, 0], [1, 2], [0, 3], [0, 0]]), 4, 3, COARSE, padding, 2))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    same_integers(graph, program)
    assert kinds(compile_graph(graph, without=["fold-padding"])) == ["PAD", "CONV_2D"]


@pytest.mark.parametrize("borders", [[[0, 0], [1, 1], [1, 1], [0, 1]], [[1, 0], [1, 1], [1, 1], [0, 0]]])
def test_padding_of_channels_or_batch_stays(borders: list[list[int]]) -> None:
    b = Builder(1, 5, 5, 2)
    padded = b.pad(b.input, borders)
    graph = b.graph(padded)
    program = compile_graph(graph)
    assert kinds(program) == ["PAD"]
    same_integers(graph, program)


def test_padding_that_something_else_reads_stays() -> None:
    b = Builder(1, 5, 5, 2)
    padded = b.pad(b.input, [[0, 0], [1, 1], [1, 1], [0, 0]])
    graph = b.graph(b.conv(padded, 2, 3, COARSE), padded)
    program = compile_graph(graph)
    assert kinds(program) == ["PAD", "CONV_2D"]
    same_integers(graph, program)


@pytest.mark.parametrize(("quant", "folds"), [(RECTIFIED, True), (FINE, False)])
def test_padding_folds_into_maximum_only_if_it_is_the_lowest_value(quant: Quant, folds: bool) -> None:
    b = Builder(1, 6, 6, 2, quant=quant)
    padded = b.pad(b.input, [[0, 0], [1, 1], [1, 1], [0, 0]])
    graph = b.graph(b.op("MAX_POOL_2D", (padded,), (1, 3, 3, 2), quant, Pool2DOptions(1, 2, 2, 3, 3)))
    program = compile_graph(graph)
    assert kinds(program) == (["MAX_POOL_2D"] if folds else ["PAD", "MAX_POOL_2D"])
    same_integers(graph, program)


def test_padding_wider_than_the_window_stays_before_a_maximum() -> None:
    b = Builder(1, 4, 4, 1, quant=RECTIFIED)
    padded = b.pad(b.input, [[0, 0], [2, 2], [2, 2], [0, 0]])
    graph = b.graph(b.op("MAX_POOL_2D", (padded,), (1, 4, 4, 1), RECTIFIED, Pool2DOptions(1, 2, 2, 2, 2)))
    program = compile_graph(graph)
    assert kinds(program) == ["PAD", "MAX_POOL_2D"]
    same_integers(graph, program)


@pytest.mark.parametrize("kind", ["RELU", "RELU6", "RELU_N1_TO_1"])
def test_activation_on_one_scale_becomes_a_clamp(kind: str) -> None:
    b = Builder(1, 5, 5, 2)
    graph = b.graph(b.op(kind, (b.conv(b.input, 3, 3, COARSE),), (1, 3, 3, 3), COARSE))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    assert isinstance(program.layers[0].parameters, Conv2D)
    assert program.layers[0].parameters.clamp != (-128, 127)
    same_integers(graph, program)


def test_activation_that_rescales_stays() -> None:
    b = Builder(1, 5, 5, 2)
    graph = b.graph(b.op("RELU", (b.conv(b.input, 3, 3, COARSE),), (1, 3, 3, 3), RECTIFIED))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D", "RELU"]
    same_integers(graph, program)


def test_tables_in_a_row_become_one() -> None:
    b = Builder(1, 4, 4, 2)
    x = b.op("QUANTIZE", (b.input,), (1, 4, 4, 2), COARSE)
    x = b.op("RELU6", (x,), (1, 4, 4, 2), RECTIFIED)
    graph = b.graph(b.op("QUANTIZE", (x,), (1, 4, 4, 2), FINE))
    program = compile_graph(graph)
    assert len(kinds(program)) == 1
    same_integers(graph, program)


def test_requantizing_to_the_same_scale_is_a_view() -> None:
    b = Builder(1, 4, 4, 2)
    x = b.op("QUANTIZE", (b.input,), (1, 4, 4, 2), FINE)
    graph = b.graph(b.conv(x, 2, 1, COARSE))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    same_integers(graph, program)


def test_transposes_that_undo_each_other_vanish() -> None:
    b = Builder(1, 4, 5, 3)
    x = b.op("TRANSPOSE", (b.input, b.constant([0, 3, 1, 2], "int32")), (1, 3, 4, 5), FINE)
    x = b.op("TRANSPOSE", (x, b.constant([0, 2, 3, 1], "int32")), (1, 4, 5, 3), FINE)
    graph = b.graph(b.conv(x, 2, 1, COARSE))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    same_integers(graph, program)
    assert kinds(compile_graph(graph, without=["compose-copies"])) == ["TRANSPOSE", "TRANSPOSE", "CONV_2D"]


def test_two_transposes_become_one() -> None:
    b = Builder(2, 3, 4, 5)
    x = b.op("TRANSPOSE", (b.input, b.constant([0, 3, 1, 2], "int32")), (2, 5, 3, 4), FINE)
    graph = b.graph(b.op("TRANSPOSE", (x, b.constant([1, 0, 2, 3], "int32")), (5, 2, 3, 4), FINE))
    program = compile_graph(graph)
    assert kinds(program) == ["TRANSPOSE"]
    same_integers(graph, program)


def test_transpose_of_weights_is_done_once() -> None:
    b = Builder(1, 4, 4, 2)
    rng = np.random.default_rng(0)
    stored = b.constant(rng.integers(-127, 128, (3, 3, 2, 4)), "int8", Quant((0.01,), (0,)))
    weights = b.op("TRANSPOSE", (stored, b.constant([3, 0, 1, 2], "int32")), (4, 3, 3, 2), Quant((0.01,), (0,)))
    bias = b.constant(rng.integers(-99, 99, 4), "int32", Quant((0.0005,), (0,)))
    graph = b.graph(b.op("CONV_2D", (b.input, weights, bias), (1, 2, 2, 4), COARSE, Conv2DOptions(1, 1, 1)))
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    straight = replace(graph.tensors[weights], data=np.transpose(graph.tensors[stored].data, (3, 0, 1, 2)))
    plain = replace(graph, tensors=tuple(straight if k == weights else t for k, t in enumerate(graph.tensors)), ops=graph.ops[1:])
    same_integers(plain, program)


def test_dead_code_goes() -> None:
    b = Builder(1, 5, 5, 2)
    b.conv(b.conv(b.input, 3, 3, COARSE), 3, 1, COARSE)
    graph = b.graph(b.conv(b.input, 2, 1, COARSE))
    assert kinds(lower(graph)) == ["CONV_2D"] * 3  # type: ignore[arg-type]
    program = compile_graph(graph)
    assert kinds(program) == ["CONV_2D"]
    same_integers(graph, program)


@pytest.mark.parametrize(
    ("size", "outgoing", "folds"),
    [
        ((1, 3), FINE, True),
        ((3, 3), FINE, False),  # MEAN rounds twice, and coarsely in between
        ((2, 1), FINE, False),  # MEAN rounds ties away from the zero point, the pool away from zero
        ((1, 3), Quant((0.04,), (-3,)), False),
    ],
)
def test_mean_becomes_a_pool_only_if_every_sum_agrees(size: tuple[int, int], outgoing: Quant, folds: bool) -> None:
    b = Builder(1, *size, 6)
    graph = b.graph(b.op("MEAN", (b.input, b.constant([1, 2], "int32")), (1, 6), outgoing, ReducerOptions(False)))
    program = compile_graph(graph)
    assert kinds(program) == (["AVERAGE_POOL_2D"] if folds else ["MEAN"])
    same_integers(graph, program)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "left"),
    [
        ((3, 3), 7, 1, (5, 5)),  # SAME pads by 3; taps 0 and 6 are outside wherever the window lies
        ((1, 4), 3, 1, (1, 3)),
        ((2, 5), 6, 3, (2, 6)),
        ((4, 4), 3, 1, (3, 3)),
    ],
)
def test_taps_that_only_meet_padding_are_cut_off(size: tuple[int, int], kernel: int, stride: int, left: tuple[int, int]) -> None:
    b = Builder(1, *size, 2)
    graph = b.graph(b.conv(b.input, 3, kernel, COARSE, padding=0, stride=stride))
    (layer,) = compile_graph(graph).layers
    assert layer.parameters.weights.shape[1:3] == left
    same_integers(graph, compile_graph(graph))
    (whole,) = compile_graph(graph, without=["trim-kernels"]).layers
    assert whole.macs * left[0] * left[1] == layer.macs * kernel**2


def test_logits_on_request() -> None:
    b = Builder(1, 5, 5, 2)
    features = b.conv(b.input, 10, 5, COARSE)
    from tinykd.compile.ops.softmax import OPERATOR

    assert OPERATOR.options is not None
    graph = b.graph(b.op("SOFTMAX", (features,), (1, 1, 1, 10), Quant((1 / 256,), (-128,)), OPERATOR.options(1.0)))
    assert kinds(compile_graph(graph)) == ["CONV_2D", "SOFTMAX"]
    program = compile_graph(graph, with_also=["logits"])
    assert kinds(program) == ["CONV_2D"]
    assert program.graph.outputs == (features,)


def test_nothing_to_do_changes_nothing() -> None:
    graph = conv_then_dense()
    assert [layer.op for layer in compile_graph(graph).layers] == [layer.op for layer in lower(graph).layers]


def test_unknown_pass() -> None:
    with pytest.raises(UsageError, match="fold-paddings"):
        compile_graph(conv_then_dense(), without=["fold-paddings"])
    assert not GRAPH_PASSES.keys() & PROGRAM_PASSES.keys()


def test_branches_are_ordered_by_memory() -> None:
    """Two branches end small; whichever runs first, the other's large tensor must not wait beside it."""
    b = Builder(1, 8, 8, 4)
    wide_one, wide_two = b.conv(b.input, 32, 1, COARSE), b.conv(b.input, 32, 1, COARSE)
    small_one, small_two = b.conv(wide_one, 2, 1, FINE), b.conv(wide_two, 2, 1, FINE)
    graph = b.graph(b.op("ADD", (small_one, small_two), (1, 8, 8, 2), COARSE, AddOptions(0, 1)))
    program, kept = compile_graph(graph), compile_graph(graph, without=["order-layers"])
    assert [layer.op.outputs[0] for layer in kept.layers[:2]] == [wide_one, wide_two]
    assert plan(kept).arena_bytes > 64 * (32 + 32)
    assert plan(program).arena_bytes < 64 * (32 + 8 + 4)
    same_integers(graph, program)
