"""int16 activations: the multipliers that FULLY_CONNECTED rounds once with, copies, what is refused, values by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compile.test_refusals import a_case, changed, refusal
from tests.compile.test_unsigned import run_in_c
from tinykd.compile.fixed_point import requantize_wide
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Case
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.sigmoid_table import logistic, tanh
from tinykd.compile.ops.wide_softmax import EXPONENTIALS, RECIPROCALS
from tinykd.compile.passes import compile_graph
from tinykd.compile.passes.unsigned_to_signed import COPIES
from tinykd.compile.program import lower
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.wide_rounding import wide_multipliers
from tinykd.compile.writer import write_model


def half_away(value: Fraction) -> int:
    return int(math.copysign(math.floor(abs(value) + Fraction(1, 2)), value)) if value else 0


def in_float64(total: int, scale: float) -> int:
    """C's `(int32_t)round((double)sum * scale)`."""
    return half_away(Fraction(float(total) * scale))


@settings(max_examples=60)
@given(st.floats(2.0**-24, 2.0**-4), st.integers(1, (1 << 40) - 1), st.data())
def test_wide_multipliers_agree_with_float64_beside_every_half(scale: float, bound: int, data: st.DataObject) -> None:
    found = wide_multipliers([scale], np.array([bound]), 1 << 15, "layer")
    output = data.draw(st.integers(-32768, 32768))
    nearest = math.floor((abs(output) + 0.5) / scale)
    for magnitude in (nearest - 1, nearest, nearest + 1, data.draw(st.integers(0, bound))):
        if 0 <= magnitude <= bound and magnitude * scale < 32768:
            total = magnitude if output >= 0 else -magnitude
            assert int(found.requantize(np.array([total]))[0]) == in_float64(total, scale)


def test_exact_halves_round_away_from_zero() -> None:
    found = wide_multipliers([2.0**-10], np.array([1 << 30]), 1 << 15, "layer")
    totals = np.array([[512], [511], [-512], [-511], [3 * 512], [(1 << 25) - 512]])
    assert found.requantize(totals).ravel().tolist() == [1, 0, -1, 0, 2, 32768]


def test_a_product_that_float64_itself_rounds_to_a_half() -> None:
    """sum * scale is below 1 / 2, but its float64 product is 1 / 2, which LiteRT rounds to 1."""
    scale = 1 / 6
    assert Fraction(scale) * 3 < Fraction(1, 2)
    assert scale * 3.0 == 0.5
    found = wide_multipliers([scale], np.array([1 << 20]), 1 << 15, "layer")
    assert found.requantize(np.array([[3], [-3], [2]])).ravel().tolist() == [1, -1, 0]


def test_a_channel_whose_sums_stay_below_a_half_gives_zero() -> None:
    found = wide_multipliers([2.0**-70], np.array([1000]), 1 << 15, "layer")
    assert found.requantize(np.array([[1000], [-1000]])).ravel().tolist() == [0, 0]


@given(st.integers(1 - (1 << 47), (1 << 47) - 1), st.integers(1 << 30, 0x7FFEFFFF), st.integers(-31, 7))
def test_wide_requantization_is_a_16_bit_multiplier_and_one_rounding_up(x: int, multiplier: int, shift: int) -> None:
    reduced = math.floor(Fraction(multiplier, 1 << 16) + Fraction(1, 2))
    assert int(requantize_wide(x, multiplier, shift)) == math.floor(Fraction(x * reduced, 1 << (15 - shift)) + Fraction(1, 2))


def test_the_largest_multipliers_are_cut_to_15_ones() -> None:
    assert int(requantize_wide(1 << 15, 0x7FFFFFFF, 0)) == 0x7FFF
    assert int(requantize_wide(1 << 15, 0x7FFF0000, 0)) == 0x7FFF


def widened(case: Case, rng: np.random.Generator) -> Case:
    """The case of a copy with int16 in place of int8."""

    def wide(tensor: Tensor) -> Tensor:
        if tensor.dtype != "int8":
            return tensor
        quant = tensor.quant and replace(tensor.quant, zero_points=(0,))
        return replace(tensor, dtype="int16", quant=quant, data=None if tensor.data is None else spread(tensor.data))

    def spread(x: Array) -> Array:
        return rng.integers(-32768, 32768, x.shape).astype(np.int16) if x.dtype == np.int8 else x

    return Case(replace(case.graph, tensors=tuple(map(wide, case.graph.tensors))), tuple(map(spread, case.inputs)))


ABSENT = {"BROADCAST_TO", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH"}
"""Copies that LiteRT does not have in int16."""


@pytest.mark.parametrize("kind", sorted(COPIES - ABSENT - {"QUANTIZE", "DEQUANTIZE"}))
def test_copies_of_int16_equal_litert(kind: str) -> None:
    row, compared = OPERATORS[kind], 0
    for seed in range(30):
        rng = np.random.default_rng([seed, row.code])
        case = row.cases(rng)
        if any(tensor.dtype == "int16" for tensor in case.graph.tensors):
            continue  # the general runner has it
        case = widened(case, rng)
        model = write_model(case.graph)
        want = ReferenceInterpreter(model).run(case.inputs)
        program = lower(read_model(model))
        values = simulate(program, case.inputs)
        for index, expected in zip(program.graph.outputs, want, strict=True):
            np.testing.assert_array_equal(values[index], expected, err_msg=f"seed {seed} {case.graph.ops}")
        run_in_c(program, values)
        compared += 1
    assert compared >= 10


@pytest.mark.parametrize("border", [-128, -32768])
def test_only_the_lowest_border_moves_into_a_maximum(border: int) -> None:
    quant = Quant((0.1,), (0,))
    tensors = (
        Tensor("x", (1, 2, 2, 1), "int16", quant),
        Tensor("borders", (4, 2), "int32", None, np.array([[0, 0], [1, 0], [0, 1], [0, 0]], np.int32)),
        Tensor("value", (1,), "int16", quant, np.array([border], np.int16)),
        Tensor("padded", (1, 3, 3, 1), "int16", quant),
        Tensor("y", (1, 2, 2, 1), "int16", quant),
    )
    pool = Pool2DOptions(padding=1, stride_w=1, stride_h=1, filter_width=2, filter_height=2)
    graph = Graph(tensors, (Op("PADV2", (0, 1, 2), (3,)), Op("MAX_POOL_2D", (3,), (4,), pool)), (0,), (4,))
    program = compile_graph(graph)
    assert len(program.layers) == (1 if border == -32768 else 2)
    x = np.array([-300, -200, -32768, -100], np.int16).reshape(1, 2, 2, 1)
    for computed in (program, lower(graph)):
        want = [max(-200, border), max(-200, border), max(-100, border), max(-100, border)]
        assert simulate(computed, (x,))[4].ravel().tolist() == want


@pytest.mark.parametrize("zero_point", [-100, 3, 90])
def test_int8_weights_of_a_matrix_may_have_a_zero_point(zero_point: int) -> None:
    """LiteRT subtracts it where the weights have one scale, and so does the kernel for uint8 weights."""
    compared = 0
    for seed in range(40):
        case = OPERATORS["FULLY_CONNECTED"].cases(np.random.default_rng([seed, 3]))
        (op,) = case.graph.ops
        weights = case.graph.tensors[op.inputs[1]]
        assert weights.quant is not None
        if case.inputs[0].dtype != np.int8 or weights.dtype != "int8" or weights.quant.per_channel:
            continue
        graph = changed(case.graph, op.inputs[1], lambda t: replace(t, quant=replace(t.quant, zero_points=(zero_point,))))
        model = write_model(graph)
        program = lower(read_model(model))
        values = simulate(program, case.inputs)
        np.testing.assert_array_equal(values[program.graph.outputs[0]], ReferenceInterpreter(model).run(case.inputs)[0])
        run_in_c(program, values)
        compared += 1
    assert compared >= 3


def of(activations: str, bias: str) -> Callable[[Case], bool]:
    def wanted(case: Case) -> bool:
        (op,) = case.graph.ops
        dtypes = [tensor.dtype for tensor in case.graph.op_tensors(op)]
        return dtypes[-1] == activations and bias in dtypes

    return wanted


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
def test_int16_takes_no_zero_point(kind: str) -> None:
    case = a_case(kind, of("int16", "int64"))
    (op,) = case.graph.ops
    graph = changed(case.graph, op.outputs[0], lambda t: replace(t, quant=replace(t.quant, zero_points=(3,))))
    assert "zero point 3, not 0" in refusal(graph)


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED"])
def test_an_int32_bias_that_litert_would_read_as_int64_is_refused(kind: str) -> None:
    case = a_case(kind, of("int16", "int32"))
    (op,) = case.graph.ops
    options = replace(op.options, quantized_bias_type=0)
    graph = replace(case.graph, ops=(replace(op, options=options),))
    assert "is int32, the kernel takes int64" in refusal(graph)


def test_sums_of_int16_that_leave_32_bits_are_refused() -> None:
    case = a_case("CONV_2D", of("int16", "int32"))
    (op,) = case.graph.ops
    graph = changed(case.graph, op.inputs[2], lambda t: replace(t, data=np.full(t.shape, (1 << 31) - 1, np.int32)))
    assert "beyond 32 bits" in refusal(graph)


def test_sums_that_leave_48_bits_are_refused() -> None:
    case = a_case("CONV_2D", of("int16", "int64"))
    (op,) = case.graph.ops
    graph = changed(case.graph, op.inputs[2], lambda t: replace(t, data=np.full(t.shape, 1 << 47, np.int64)))
    assert "beyond 32 bits" in refusal(graph)


def test_mixed_dtypes_are_refused() -> None:
    case = a_case("CONV_2D", of("int16", "int64"))
    (op,) = case.graph.ops
    graph = changed(case.graph, op.outputs[0], lambda t: replace(t, dtype="int8"))
    assert "int8" in refusal(graph)


def test_interpolated_functions_are_near_the_real_ones() -> None:
    x = np.arange(-(1 << 17), 1 << 17, 37, dtype=np.int64)
    real = x / 12288
    assert np.abs(logistic(x) / 32768 - 1 / (1 + np.exp(-real))).max() < 2e-4
    assert np.abs(tanh(x) / 32768 - np.tanh(real)).max() < 4e-4


def test_softmax_points_are_near_the_real_functions() -> None:
    k = np.arange(513)
    assert np.abs(EXPONENTIALS / 32768 - np.exp(-10 + 10 * k / 512)).max() < 1e-4
    assert np.abs(RECIPROCALS / 32768 - 1 / (1 + k / 512)).max() < 1e-4
