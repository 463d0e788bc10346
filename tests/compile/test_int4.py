"""int4 weights: two to a byte in the file and in flash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compile.test_refusals import a_case, refusal
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.nibbles import pack, unpack
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Call, Case, Table
from tinykd.compile.ops.relu import RELU
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel


def test_the_low_nibble_comes_first() -> None:
    assert pack(np.array([1, -2, 7], np.int8)).tolist() == [0xE1, 0x07]
    assert unpack(np.array([0xE1, 0x87], np.uint8), 4).tolist() == [1, -2, 7, -8]


@given(st.lists(st.integers(-8, 7)))
def test_unpacked_is_what_was_packed(values: list[int]) -> None:
    packed = pack(np.array(values, np.int8))
    assert packed.size == (len(values) + 1) // 2
    assert unpack(packed, len(values)).tolist() == values


def with_int4(case: Case) -> bool:
    return any(tensor.dtype == "int4" for tensor in case.graph.tensors)


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_weights_take_half_a_byte_each(kind: str) -> None:
    case = a_case(kind, with_int4)
    graph = read_model(write_model(case.graph))
    (op,) = graph.ops
    weights = graph.tensors[op.inputs[1]]
    assert weights.bytes == (weights.elements + 1) // 2
    np.testing.assert_array_equal(weights.data, case.graph.tensors[op.inputs[1]].data)
    call = OPERATORS[kind].call(OPERATORS[kind].lower(graph, op, "single"))
    assert isinstance(call, Call)
    table = call.fields["weights"]
    assert isinstance(table, Table)
    assert table.values.nbytes == weights.bytes


def test_int4_weights_under_int16_are_unpacked_when_compiled() -> None:
    def wanted(case: Case) -> bool:
        (op,) = case.graph.ops
        return "int64" in [tensor.dtype for tensor in case.graph.op_tensors(op)]

    case = a_case("CONV_2D", wanted)
    (op,) = case.graph.ops
    tensors = list(case.graph.tensors)
    weights = tensors[op.inputs[1]]
    assert weights.data is not None
    tensors[op.inputs[1]] = replace(weights, dtype="int4", data=weights.data >> 4)
    graph = replace(case.graph, tensors=tuple(tensors))
    parameters = OPERATORS["CONV_2D"].lower(graph, op, "single")
    np.testing.assert_array_equal(parameters.weights, weights.data >> 4)
    assert parameters.scheme.suffix == "s16"


def test_int4_depthwise_weights_under_int16_are_refused() -> None:
    def wanted(case: Case) -> bool:
        return case.inputs[0].dtype == np.int16

    case = a_case("DEPTHWISE_CONV_2D", wanted)
    (op,) = case.graph.ops
    tensors = list(case.graph.tensors)
    tensors[op.inputs[1]] = replace(tensors[op.inputs[1]], dtype="int4")
    assert "is int4, the kernel takes int8" in refusal(replace(case.graph, tensors=tuple(tensors)))


def test_an_int4_activation_is_refused() -> None:
    quant = Quant((0.1,), (0,))
    tensors = (Tensor("x", (4,), "int4", quant), Tensor("y", (4,), "int4", quant))
    model = write_model(Graph(tensors, (Op(RELU.kind, (0,), (1,)),), (0,), (1,)))
    with pytest.raises(UnsupportedModel, match="'x' is int4 and no constant"):
        read_model(model)
