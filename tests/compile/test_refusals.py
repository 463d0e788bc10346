"""What the kernels do not compute is refused with the operator, the tensor and a reason; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tinykd.compile.graph import Graph, Quant, Tensor
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Case
from tinykd.errors import UnsupportedModel


def a_case(kind: str, wanted: Callable[[Case], bool] = lambda _: True) -> Case:
    """The first case of an operator that satisfies `wanted`."""
    found = (OPERATORS[kind].cases(np.random.default_rng([seed, 77])) for seed in range(200))
    return next(case for case in found if wanted(case))


def of_int8(case: Case) -> bool:
    """Activations and weights, if any, are int8."""
    return all(t.dtype == "int8" for t in case.graph.tensors if t.dtype != "int32")


def changed(graph: Graph, position: int, tensor: Callable[[Tensor], Tensor]) -> Graph:
    """`graph` with its tensor at `position` replaced."""
    tensors = list(graph.tensors)
    tensors[position] = tensor(tensors[position])
    return replace(graph, tensors=tuple(tensors))


def refusal(graph: Graph) -> str:
    (op,) = graph.ops
    with pytest.raises(UnsupportedModel) as raised:
        OPERATORS[op.kind].lower(graph, op, "single")
    assert op.kind in raised.value.message
    return raised.value.message


NEEDS_INT8_OUTPUT = sorted(set(OPERATORS) - {"CAST", "DEQUANTIZE", "QUANTIZE", "ARG_MAX", "ARG_MIN"})


@pytest.mark.parametrize("kind", NEEDS_INT8_OUTPUT)
def test_an_output_of_another_dtype_is_refused(kind: str) -> None:
    case = a_case(kind, lambda found: found.graph.tensors[found.graph.ops[0].subject].dtype != "float32")
    (op,) = case.graph.ops
    refusal(changed(case.graph, op.subject, lambda t: replace(t, dtype="float32", quant=None)))


@pytest.mark.parametrize("kind", sorted(set(OPERATORS) - {"ARG_MAX", "ARG_MIN"}))
def test_an_output_of_another_shape_is_refused(kind: str) -> None:
    case = a_case(kind)
    (op,) = case.graph.ops
    refusal(changed(case.graph, op.subject, lambda t: replace(t, shape=(*t.shape, 7))))


QUANTIZED = [
    "ADD",
    "AVERAGE_POOL_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "LOGISTIC",
    "MEAN",
    "MUL",
    "PAD",
    "RELU",
    "SOFTMAX",
    "TRANSPOSE_CONV",
]


@pytest.mark.parametrize("kind", QUANTIZED)
def test_a_tensor_without_quantization_is_refused(kind: str) -> None:
    case = a_case(kind)
    (op,) = case.graph.ops
    assert "no quantization" in refusal(changed(case.graph, op.outputs[0], lambda t: replace(t, quant=None)))


@pytest.mark.parametrize("kind", QUANTIZED)
def test_an_activation_quantized_per_channel_is_refused(kind: str) -> None:
    case = a_case(kind)
    (op,) = case.graph.ops
    assert "per channel" in refusal(changed(case.graph, op.outputs[0], lambda t: replace(t, quant=Quant((0.1, 0.2), (0, 0)))))


@pytest.mark.parametrize(
    ("kind", "position"),
    [("PAD", 1), ("RESHAPE", 1), ("TRANSPOSE", 1), ("MEAN", 1), ("STRIDED_SLICE", 2), ("GATHER", 1), ("TRANSPOSE_CONV", 1)],
)
def test_shapes_axes_and_weights_must_be_constants(kind: str, position: int) -> None:
    case = a_case(kind, lambda found: len(found.graph.ops[0].inputs) > position)
    (op,) = case.graph.ops
    graph = changed(case.graph, op.inputs[position], lambda t: replace(t, data=None))
    assert "computed while running" in refusal(replace(graph, inputs=(*graph.inputs, op.inputs[position])))


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"])
def test_weights_with_a_zero_point_are_refused(kind: str) -> None:
    case = a_case(kind, of_int8)
    (op,) = case.graph.ops
    assert "not symmetrically" in refusal(changed(case.graph, op.inputs[1], lambda t: replace(t, quant=Quant((0.1,), (3,)))))


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"])
def test_an_accumulator_that_could_overflow_is_refused(kind: str) -> None:
    """A bias of 2**31 - 1 leaves no room for any product."""
    bias = {"TRANSPOSE_CONV": 3}.get(kind, 2)
    case = a_case(kind, lambda found: of_int8(found) and len(found.graph.ops[0].inputs) > bias and found.graph.ops[0].inputs[bias] >= 0)
    (op,) = case.graph.ops
    message = refusal(changed(case.graph, op.inputs[bias], lambda t: replace(t, data=np.full(t.shape, (1 << 31) - 1, np.int32))))
    assert "beyond 32 bits" in message


@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL", "LEAKY_RELU", "RELU", "MEAN"])
def test_an_output_scale_far_finer_than_the_inputs_is_refused(kind: str) -> None:
    case = a_case(kind)
    (op,) = case.graph.ops
    refusal(changed(case.graph, op.outputs[0], lambda t: replace(t, quant=Quant((1e-12,), (0,)))))


def test_a_fused_activation_that_is_no_clamp_is_refused() -> None:
    case = a_case("ADD")
    (op,) = case.graph.ops
    tanh = replace(op, options=replace(op.options, fused_activation=4))
    assert "not a clamp" in refusal(replace(case.graph, ops=(tanh,)))


def test_softmax_refuses_an_output_scale_that_litert_would_not_accept() -> None:
    case = a_case("SOFTMAX")
    assert "1/256" in refusal(changed(case.graph, 1, lambda t: replace(t, quant=Quant((1 / 128,), (-128,)))))


def test_concatenation_does_not_silently_ignore_different_scales() -> None:
    case = a_case("CONCATENATION")
    (op,) = case.graph.ops
    assert "different scales" in refusal(changed(case.graph, op.outputs[0], lambda t: replace(t, quant=Quant((9.0,), (0,)))))


def test_a_gather_outside_its_axis_is_refused() -> None:
    case = a_case("GATHER")
    (op,) = case.graph.ops
    assert "outside" in refusal(changed(case.graph, op.inputs[1], lambda t: replace(t, data=np.full(t.shape, 99, np.int32))))


@pytest.mark.parametrize("field", ["dilation_h", "stride_w"])
def test_steps_that_would_overflow_positions_are_refused(field: str) -> None:
    """A dilation of 2**31 - 1 once reached the kernel and overflowed its position of the last tap."""
    case = a_case("DEPTHWISE_CONV_2D")
    (op,) = case.graph.ops
    spoiled = replace(op, options=replace(op.options, **{field: (1 << 31) - 1}))
    assert "dilation" in refusal(replace(case.graph, ops=(spoiled,)))
