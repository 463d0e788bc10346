"""Constant and unread channels: what is claimed holds for every input there is, and the smaller network computes the same integers."""

from __future__ import annotations

import contextlib
import itertools
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz.differential import Subject, c_differences, numpy_differences, subject
from tests.fuzz.pruned import pruned_network
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import window
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.compile.passes import compile_graph, constant_channels
from tinykd.compile.passes.constant_channels import BLOCK, MOST_ELEMENTS
from tinykd.compile.passes.ranges import ranges
from tinykd.compile.program import Program, lower
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model
from tinykd.deploy.compare import Comparison
from tinykd.errors import UnsupportedModel

FIRST = int(os.environ.get("TINYKD_FUZZ_SEED", "0"))
NETWORKS = int(os.environ.get("TINYKD_FUZZ_PRUNED", "80"))
NETWORKS_IN_C = 10

PAIRS = np.array(list(itertools.product(range(-128, 128), repeat=2)), np.int8)
"""[65536, 2] every pair of bytes."""

IMAGES = {"two pixels": (PAIRS.shape[0], 1, 2, 1), "two channels": (PAIRS.shape[0], 1, 1, 2)}
"""Shapes of a batch of every image of two bytes; in the first, each pixel lies at a border of its own."""


MOST_MACS = 300
"""Of a network that is run on every input."""


def losing(images: str) -> Iterator[int]:
    """Seeds of small networks that lose channels."""
    for seed in itertools.count():
        program = compile_graph(pruned_network(seed, (1, *IMAGES[images][1:])))
        if any(tensor.reduced for tensor in program.graph.tensors) and program.macs < MOST_MACS:
            yield seed


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("position", range(5))
def test_holds_for_every_input(position: int, images: str) -> None:
    """Every tensor of the smaller network, and every constant that was claimed, on all inputs there are."""
    graph = pruned_network(next(itertools.islice(losing(images), position, None)), IMAGES[images])
    x = PAIRS.reshape(IMAGES[images])
    program, judge = compile_graph(graph), ReferenceInterpreter(write_model(graph))
    judge.run([x])
    values = simulate(program, [x])
    for layer in program.layers:
        (index,) = layer.op.outputs
        tensor, expected, computed = program.tensor(index), judge.tensor(program.tensor(index).source), values[index]
        if tensor.reduced is not None:
            expected, computed = tensor.reduced.known_of(expected), tensor.reduced.restored(computed)
        np.testing.assert_array_equal(computed, expected)


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("position", range(4))
def test_ranges_hold_for_every_input(position: int, images: str) -> None:
    """No integer leaves its range; after one layer both ends are reached, for its inputs are free."""
    graph = pruned_network(next(itertools.islice(losing(images), position, None)), IMAGES[images])
    judge = ReferenceInterpreter(write_model(graph))
    judge.run([PAIRS.reshape(IMAGES[images])])
    known = ranges(lower(graph))
    for position, op in enumerate(graph.ops):
        seen, claimed = judge.tensor(graph.tensors[op.outputs[0]].source), known[op.outputs[0]]
        assert (seen >= claimed.low).all()
        assert (seen <= claimed.high).all()
        if position == 0 and op.kind.endswith("CONV_2D"):
            np.testing.assert_array_equal(seen.min(axis=0), claimed.low[0])
            np.testing.assert_array_equal(seen.max(axis=0), claimed.high[0])


def drawn(dtype: str, networks: int, samples: int) -> list[Subject]:
    """Networks and inputs for them; a few of int16 have a MEAN or RELU that is refused."""
    subjects = []
    for seed in range(FIRST, FIRST + networks):
        with contextlib.suppress(UnsupportedModel):
            subjects.append(_drawn(seed, dtype, samples))
    assert len(subjects) >= 0.9 * networks
    return subjects


def _drawn(seed: int, dtype: str, count: int) -> Subject:
    graph, rng, limits = pruned_network(seed, dtype=dtype), np.random.default_rng(seed), np.iinfo(dtype)
    shape = graph.tensors[graph.inputs[0]].shape
    samples = [(rng.integers(limits.min, limits.max + 1, shape).astype(dtype),) for _ in range(count)]
    return subject(f"{dtype}_{seed}", write_model(graph), samples)


DTYPES = ("int8", "uint8", "int16")


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_networks_equal_litert(dtype: str) -> None:
    differences: list[str] = []
    kinds: set[str] = set()
    for one in drawn(dtype, NETWORKS, 3):
        differences += numpy_differences(one)
        program = one.variants[1].program
        kinds |= {layer.op.kind for layer in program.layers if program.tensor(layer.op.outputs[0]).reduced}
    assert differences == []
    assert kinds >= {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "CONCATENATION", "MEAN", "MUL", "PAD", "RESHAPE", "AVERAGE_POOL_2D"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_networks_in_c(dtype: str, tmp_path: Path) -> None:
    assert c_differences(drawn(dtype, NETWORKS_IN_C, 2), tmp_path) == []


ZERO_POINT = 4
SECOND_WEIGHTS = np.random.default_rng(3).integers(-127, 128, (3, 3, 3, 6))


def two_convolutions(value: int, padding: int, weights: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Graph:
    """A pointwise convolution whose channels 1 and 4 of 6 hold `value` always, and a 3x3 convolution that reads them."""
    rng = np.random.default_rng(2)
    first, bias = rng.integers(-127, 128, (6, 1, 1, 2)), rng.integers(-500, 500, 6)
    first[[1, 4]], bias[[1, 4]] = 0, (value - ZERO_POINT) * 100  # real multiplier 1/100
    size = 5 if padding == window.SAME else 3
    quant = Quant((0.1,), (ZERO_POINT,))
    tensors = (
        Tensor("input", (1, 5, 5, 2), "int8", Quant((0.1,), (-7,))),
        Tensor("first", first.shape, "int8", Quant((0.01,), (0,)), first.astype(np.int8)),
        Tensor("first bias", (6,), "int32", Quant((0.001,), (0,)), bias.astype(np.int32)),
        Tensor("hidden", (1, 5, 5, 6), "int8", quant),
        Tensor("second", weights.shape, "int8", Quant((0.01,), (0,)), weights.astype(np.int8)),
        Tensor("second bias", (3,), "int32", Quant((0.001,), (0,)), np.array([5, -6, 7], np.int32)),
        Tensor("output", (1, size, size, 3), "int8", Quant((0.5,), (1,))),
    )
    ops = (
        Op("CONV_2D", (0, 1, 2), (3,), Conv2DOptions(window.VALID, 1, 1)),
        Op("CONV_2D", (3, 4, 5), (6,), Conv2DOptions(padding, 1, 1)),
    )
    return read_model(write_model(Graph(tensors, ops, (0,), (6,), "pair")), "pair")


def same_integers(graph: Graph, program: Program) -> None:
    judge, rng = ReferenceInterpreter(write_model(graph)), np.random.default_rng(9)
    for _ in range(10):
        x = rng.integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8)
        np.testing.assert_array_equal(simulate(program, [x])[program.graph.outputs[0]], judge.run([x])[0])


def removed(program: Program, layer: int) -> dict[int, int]:
    reduced = program.tensor(program.layers[layer].op.outputs[0]).reduced
    return {} if reduced is None else dict(reduced.constants)


@pytest.mark.parametrize(("value", "padding", "goes"), [(4, 0, True), (4, 1, True), (9, 1, True), (9, 0, False)])
def test_a_constant_goes_unless_padding_would_miss_it(value: int, padding: int, goes: bool) -> None:
    """Padding stands for the zero point: any other constant is missed by the windows that reach into it."""
    graph = two_convolutions(value, padding, SECOND_WEIGHTS)
    program = compile_graph(graph)
    assert removed(program, 0) == ({1: value, 4: value} if goes else {})
    assert program.macs == (25 * 2 + program.tensor(6).elements // 3 * 9 * 3) * (4 if goes else 6)
    same_integers(graph, program)


def test_a_constant_goes_where_only_the_centre_reads_it() -> None:
    weights = SECOND_WEIGHTS.copy()
    weights[..., 1] = 0
    weights[:, 1, 1, 1] = 99
    graph = two_convolutions(9, window.SAME, weights)
    program = compile_graph(graph)
    assert removed(program, 0) == {1: 9}
    same_integers(graph, program)


def test_an_unread_channel_goes_with_its_filter() -> None:
    weights = SECOND_WEIGHTS.copy()
    weights[..., [0, 5]] = 0
    graph = two_convolutions(9, window.SAME, weights)
    program = compile_graph(graph)
    reduced = program.tensor(program.layers[0].op.outputs[0]).reduced
    assert reduced is not None
    assert reduced.kept == (1, 2, 3, 4)
    assert reduced.known == (1, 2, 3, 4)
    same_integers(graph, program)


def test_a_depthwise_filter_of_zeros_frees_what_it_reads() -> None:
    """Its output is constant, so its input is unread, so the filter that computes that goes as well."""
    graph = two_convolutions(9, window.SAME, SECOND_WEIGHTS)
    filters = np.random.default_rng(4).integers(-127, 128, (1, 3, 3, 6))
    filters[..., 2] = 0
    tensors = list(graph.tensors)
    tensors += [
        Tensor("depthwise", filters.shape, "int8", Quant((0.01,), (0,)), filters.astype(np.int8)),
        Tensor("depthwise bias", (6,), "int32", Quant((0.001,), (0,)), np.zeros(6, np.int32)),
        Tensor("between", (1, 5, 5, 6), "int8", Quant((0.3,), (ZERO_POINT,))),
    ]
    first, second = graph.ops
    (x,) = first.outputs
    at = len(graph.tensors)
    middle = Op("DEPTHWISE_CONV_2D", (x, at, at + 1), (at + 2,), DepthwiseConv2DOptions(window.SAME, 1, 1, 1))
    ops = (first, middle, Op(second.kind, (at + 2, *second.inputs[1:]), second.outputs, second.options))
    longer = read_model(write_model(Graph(tuple(tensors), ops, graph.inputs, graph.outputs, "three")), "three")
    program = compile_graph(longer)
    assert removed(program, 1) == {2: ZERO_POINT}
    before = program.tensor(program.layers[0].op.outputs[0]).reduced
    assert before is not None
    assert before.kept == (0, 1, 3, 4, 5)
    assert 2 not in before.known
    same_integers(longer, program)


def test_whole_blocks_stay_whole() -> None:
    """Twelve channels of which seven are constant: fast kernels take four at a time, so eight stay, not five."""
    weights = np.random.default_rng(6).integers(-127, 128, (12, 1, 1, 2))
    weights[:7] = 0
    graph = two_convolutions(9, window.VALID, SECOND_WEIGHTS)
    tensors = list(graph.tensors)
    tensors[graph.ops[0].inputs[1]] = Tensor("first", weights.shape, "int8", Quant((0.01,), (0,)), weights.astype(np.int8))
    tensors[graph.ops[0].inputs[2]] = Tensor("first bias", (12,), "int32", Quant((0.001,), (0,)), np.zeros(12, np.int32))
    tensors[graph.ops[0].outputs[0]] = Tensor("hidden", (1, 5, 5, 12), "int8", Quant((0.1,), (ZERO_POINT,)))
    wide = np.random.default_rng(7).integers(-127, 128, (3, 3, 3, 12))
    tensors[graph.ops[1].inputs[1]] = Tensor("second", wide.shape, "int8", Quant((0.01,), (0,)), wide.astype(np.int8))
    wider = read_model(write_model(Graph(tuple(tensors), graph.ops, graph.inputs, graph.outputs, "wide")), "wide")
    program = compile_graph(wider)
    assert program.tensor(program.layers[0].op.outputs[0]).shape[-1] == 8
    assert 8 % BLOCK == 0
    same_integers(wider, program)


def test_the_comparison_tries_the_claims() -> None:
    """A removed channel that turns out to hold another integer is a difference like any other."""
    program = compile_graph(two_convolutions(9, window.VALID, SECOND_WEIGHTS))
    index = program.layers[0].op.outputs[0]
    tensor = program.tensor(index)
    whole = np.arange(6, dtype=np.int8) * np.ones((1, 5, 5, 1), np.int8)
    whole[..., [1, 4]] = 9
    comparison = Comparison()
    comparison.add_reduced(0, index, tensor, whole, whole[..., [0, 2, 3, 5]])
    assert (comparison.compared, comparison.differences) == (150, 0)
    whole[0, 2, 3, 4] = 8
    comparison.add_reduced(1, index, tensor, whole, whole[..., [0, 2, 3, 5]])
    assert comparison.differences == 1


def test_the_model_is_left_whole_on_request() -> None:
    graph = two_convolutions(9, window.VALID, SECOND_WEIGHTS)
    program = compile_graph(graph, without=["constant-channels"])
    assert not any(tensor.reduced for tensor in program.graph.tensors)
    assert compile_graph(graph).graph.whole().tensors[3].shape == program.graph.tensors[3].shape


@pytest.mark.parametrize("kind", ["ADD", "EXP", "RELU"])
@pytest.mark.parametrize("shape", [(1, MOST_ELEMENTS + 1), (1, 1, 252, 262148, 4), ((1 << 28) - 1,)])
def test_ranges_of_huge_tensors_are_not_computed(kind: str, shape: tuple[int, ...]) -> None:
    """A damaged shape that the reader lets through took gigabytes, and seconds, for the two ends of every element."""
    tensors = tuple(Tensor(name, shape, "int8", Quant((0.1,), (0,))) for name in ("x", "y"))
    options = AddOptions() if kind == "ADD" else None
    program = lower(Graph(tensors, (Op(kind, (0,) * (2 if kind == "ADD" else 1), (1,), options),), (0,), (1,)))
    tracemalloc.start()
    try:
        assert constant_channels.apply(program) is program
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif("TINYKD_CONFORMANCE" not in os.environ, reason="TINYKD_CONFORMANCE names no folder of models")
def test_half_of_visual_wake_words_is_constant() -> None:
    model = (Path(os.environ.get("TINYKD_CONFORMANCE", "")) / "mlperf_vww.tflite").read_bytes()
    graph = read_model(model, "mlperf_vww")
    whole, program = compile_graph(graph, without=["constant-channels"]), compile_graph(graph)
    assert whole.macs == 7_489_664
    assert program.macs < 0.52 * whole.macs
