"""Operators on values that were computed by hand, and where LiteRT itself cannot be asked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from tests import kernels
from tinykd.compile import exponential, libm
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import OPERATORS, sampling
from tinykd.compile.ops.broadcast import broadcast
from tinykd.compile.ops.operator import Call
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reduction import ReducerOptions
from tinykd.compile.ops.softmax import SoftmaxOptions

UNIT = Quant((1.0,), (0,))


def both(graph: Graph, *inputs: Array) -> Array:
    """The output of a graph of one operator, computed by NumPy and by C, which must agree."""
    (op,) = graph.ops
    row = OPERATORS[op.kind]
    parameters = row.lower(graph, op, "single")
    (computed,) = row.reference(parameters, inputs)
    call = row.call(parameters)
    assert isinstance(call, Call)
    output = np.zeros_like(computed)
    kernels.run(call, inputs, [output])
    np.testing.assert_array_equal(output, computed)
    return computed


def graph_of(kind: str, options: object, tensors: Sequence[Tensor], inputs: Sequence[int], values: Sequence[Array]) -> Graph:
    """One operator whose output is the last of `tensors`."""
    return sampling.single(kind, options, tensors, inputs, (len(tensors) - 1,), values).graph


def test_average_pool_rounds_ties_away_from_zero() -> None:
    """Windows of two: 1 and 2 average 1.5 -> 2, -1 and -2 average -1.5 -> -2, -1 and 2 average 0.5 -> 1."""
    x = np.array([1, 2, -1, -2, -1, 2], np.int8).reshape(1, 1, 6, 1)
    tensors = [Tensor("input", x.shape, "int8", UNIT), Tensor("output", (1, 1, 3, 1), "int8", UNIT)]
    graph = graph_of("AVERAGE_POOL_2D", Pool2DOptions(1, 2, 1, 2, 1), tensors, (0,), (x,))
    assert both(graph, x).ravel().tolist() == [2, -2, 1]


def test_average_pool_leaves_padding_out_of_the_count() -> None:
    """SAME padding, window 3: the corner window of 3x3 nines holds four elements and averages 9, not 4."""
    x = np.full((1, 3, 3, 1), 9, np.int8)
    tensors = [Tensor("input", x.shape, "int8", UNIT), Tensor("output", x.shape, "int8", UNIT)]
    graph = graph_of("AVERAGE_POOL_2D", Pool2DOptions(0, 1, 1, 3, 3), tensors, (0,), (x,))
    assert np.all(both(graph, x) == 9)


def test_max_pool_of_the_lowest_integers_is_lowest() -> None:
    x = np.full((1, 2, 2, 1), -128, np.int8)
    tensors = [Tensor("input", x.shape, "int8", UNIT), Tensor("output", x.shape, "int8", UNIT)]
    graph = graph_of("MAX_POOL_2D", Pool2DOptions(0, 1, 1, 2, 2), tensors, (0,), (x,))
    assert np.all(both(graph, x) == -128)


def test_mean_of_known_integers() -> None:
    """Mean over height and width of [[1, 2], [3, 6]] is 3 on a scale of 1."""
    x = np.array([1, 2, 3, 6], np.int8).reshape(1, 2, 2, 1)
    tensors = [
        Tensor("input", x.shape, "int8", UNIT),
        Tensor("axes", (2,), "int32", None, np.array([1, 2], np.int32)),
        Tensor("output", (1, 1), "int8", UNIT),
    ]
    assert both(graph_of("MEAN", ReducerOptions(0), tensors, (0, 1), (x,)), x).tolist() == [[3]]


def test_softmax_of_more_equal_values_than_litert_survives() -> None:
    """LiteRT aborts where a sum of exponentials passes 2**28; every share of 600 equal values rounds to 0."""
    x = np.full((1, 600), 5, np.int8)
    tensors = [Tensor("input", x.shape, "int8", Quant((0.1,), (0,))), Tensor("output", x.shape, "int8", Quant((1 / 256,), (-128,)))]
    assert np.all(both(graph_of("SOFTMAX", SoftmaxOptions(1.0), tensors, (0,), (x,)), x) == -128)


def test_softmax_of_two_equal_values_is_a_half_each() -> None:
    x = np.array([[7, 7]], np.int8)
    tensors = [Tensor("input", x.shape, "int8", Quant((0.1,), (0,))), Tensor("output", x.shape, "int8", Quant((1 / 256,), (-128,)))]
    assert both(graph_of("SOFTMAX", SoftmaxOptions(1.0), tensors, (0,), (x,)), x).tolist() == [[0, 0]]


def test_quantize_saturates_infinities_and_sends_nan_to_the_lowest() -> None:
    x = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 0.5, -0.5, 1.5], np.float32)
    tensors = [Tensor("input", x.shape, "float32"), Tensor("output", x.shape, "int8", UNIT)]
    assert both(graph_of("QUANTIZE", None, tensors, (0,), (x,)), x).tolist() == [127, -128, -128, 127, -128, 1, -1, 2]


def test_quantize_rounds_just_below_a_half_down() -> None:
    """0.49999997 is the float32 before 0.5: adding 0.5 and truncating would make it 1."""
    x = np.array([np.nextafter(np.float32(0.5), np.float32(0))], np.float32)
    tensors = [Tensor("input", x.shape, "float32"), Tensor("output", x.shape, "uint8", UNIT)]
    assert both(graph_of("QUANTIZE", None, tensors, (0,), (x,)), x).tolist() == [0]


@pytest.mark.parametrize(
    ("a", "b", "sizes"),
    [
        ((2, 3, 4), (2, 3, 4), (1, 1, 1, 24)),
        ((2, 3, 4), (), (1, 1, 1, 24)),
        ((2, 3, 4), (4,), (1, 1, 6, 4)),
        ((2, 1, 4), (1, 3, 1), (1, 2, 3, 4)),
        ((5, 2, 1, 2), (5, 2, 3, 1), (1, 10, 3, 2)),
    ],
)
def test_broadcast_merges_axes_that_behave_alike(a: tuple[int, ...], b: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    shape = np.broadcast_shapes(a, b)
    tensors = (Tensor("a", a, "int8"), Tensor("b", b, "int8"), Tensor("output", shape, "int8"))
    op = Op("ADD", (0, 1), (2,))
    loops = broadcast(Graph(tensors, (op,), (0, 1), (2,)), op, *tensors)
    assert loops.sizes == sizes


def test_fixed_point_exponential_is_near_the_real_one() -> None:
    """gemmlowp's polynomial is good to 2**-22; arguments in Q5.26 from -31 to 0."""
    x = -np.linspace(0, 31, 2000)
    got = exponential.exp_of_negative(np.round(x * 2**26).astype(np.int64), 5) / 2**31
    assert np.abs(got - np.exp(x)).max() < 2**-22


def test_fixed_point_reciprocal_is_near_the_real_one() -> None:
    x = np.linspace(0, 0.999, 1000)
    raw = np.round(x * 2**31).astype(np.int64)
    assert np.abs(exponential.one_over_one_plus(raw) / 2**31 - 1 / (1 + x)).max() < 1e-8
    assert np.abs(exponential.one_minus_over_one_plus(raw) / 2**31 - (1 - x) / (1 + x)).max() < 1e-8


@pytest.mark.parametrize(("name", "function"), [("expf", math.exp), ("expm1f", math.expm1), ("tanhf", math.tanh), ("erfcf", math.erfc)])
def test_single_precision_functions_are_within_two_units_of_the_real_ones(name: str, function: object) -> None:
    assert callable(function)
    x = np.linspace(-8, 8, 501).astype(np.float32)
    real = np.array([function(float(value)) for value in x])
    spacing = np.maximum(np.spacing(np.abs(real).astype(np.float32)), np.float32(1e-38))
    assert (np.abs(libm.evaluate(name, x) - real) <= 2 * spacing).all()


@pytest.mark.parametrize("rounding", ["single", "double"])
@pytest.mark.parametrize(("kind", "output"), [("LOGISTIC", Quant((1 / 256,), (-128,))), ("TANH", Quant((1 / 128,), (0,)))])
def test_tables_follow_the_real_function(kind: str, output: Quant, rounding: str) -> None:
    """Within one output integer of the real function at every input, by either engine's arithmetic."""
    row, incoming = OPERATORS[kind], Quant((0.04,), (10,))
    x = np.arange(-128, 128, dtype=np.int64).astype(np.int8)
    tensors = [Tensor("input", x.shape, "int8", incoming), Tensor("output", x.shape, "int8", output)]
    graph = graph_of(kind, None, tensors, (0,), (x,))
    (got,) = row.reference(row.lower(graph, graph.ops[0], "single" if rounding == "single" else "double"), (x,))
    real = (x.astype(float) - 10) * 0.04
    want = 1 / (1 + np.exp(-real)) if kind == "LOGISTIC" else np.tanh(real)
    ideal = np.clip(want / output.scale + output.zero_point, -128, 127)
    assert np.abs(got - ideal).max() <= 1
