"""uint8 models: the rewrite to int8 and its kernels against LiteRT's own uint8 kernels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import Call, Case
from tinykd.compile.ops.resize_bilinear import ResizeBilinearOptions
from tinykd.compile.passes import compile_graph
from tinykd.compile.passes.unsigned_to_signed import COPIES, SHIFTED, apply
from tinykd.compile.program import Program
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel

SEEDS = 60
WEIGHTS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}
ONLY_FLOATS = {"QUANTIZE"}
"""LiteRT refuses most pairs of uint8 with other integers; the general runner covers the rest."""


def unsigned(x: Array) -> Array:
    return (x.view(np.uint8) ^ np.uint8(128)) if x.dtype == np.int8 else x


def twin(tensor: Tensor) -> Tensor:
    """The uint8 tensor of the same real values."""
    if tensor.dtype != "int8":
        return tensor
    quant = tensor.quant and replace(tensor.quant, zero_points=tuple(zero_point + 128 for zero_point in tensor.quant.zero_points))
    return replace(tensor, dtype="uint8", quant=quant, data=None if tensor.data is None else unsigned(tensor.data))


def unsigned_case(kind: str, seed: int) -> Case | None:
    """The operator's int8 case as uint8, weights with any zero point; None for a case that uint8 cannot express."""
    rng = np.random.default_rng([seed, OPERATORS[kind].code])
    case = OPERATORS[kind].cases(rng)
    tensors = [twin(tensor) for tensor in case.graph.tensors]
    if "uint8" not in {t.dtype for t in tensors} or {"int4", "int16"} & {t.dtype for t in tensors}:
        return None
    if any(tensor.quant and tensor.quant.per_channel for tensor in tensors):
        return None
    if kind in WEIGHTS:
        position = case.graph.ops[0].inputs[WEIGHTS[kind]]
        weights = tensors[position]
        assert weights.quant is not None
        zero_point = int(rng.choice([0, 90, 120, 128, 150, 255]))
        tensors[position] = replace(weights, quant=replace(weights.quant, zero_points=(zero_point,)))
    return Case(replace(case.graph, tensors=tuple(tensors)), tuple(map(unsigned, case.inputs)))


def run_in_c(program: Program, values: dict[int, Array]) -> None:
    """Run each layer's kernel on the tensors that NumPy computed; every output must be the same."""
    for layer in program.layers:
        if isinstance(layer.call, Call):
            operands = [values[i] if (data := program.tensor(i).data) is None else data for i in layer.passed]
            outputs = [np.zeros_like(values[i]) for i in layer.op.outputs]
            kernels.run(layer.call, operands, outputs)
            for index, output in zip(layer.op.outputs, outputs):
                np.testing.assert_array_equal(output, values[index], err_msg=f"C differs: {layer.op}")


@pytest.mark.parametrize("kind", sorted(COPIES | SHIFTED - ONLY_FLOATS))
def test_uint8_equals_litert(kind: str) -> None:
    compared = 0
    for seed in range(SEEDS):
        case = unsigned_case(kind, seed)
        if case is None:
            continue
        model = write_model(case.graph)
        try:
            want = ReferenceInterpreter(model).run(case.inputs)
        except UnsupportedModel:
            assert kind == "QUANTIZE", "LiteRT takes uint8 here"
            continue
        program = compile_graph(read_model(model))
        values = simulate(program, case.inputs)
        run_in_c(program, values)
        for index, expected in zip(program.graph.outputs, want, strict=True):
            np.testing.assert_array_equal(values[index], expected, err_msg=f"seed {seed} {case.graph.ops}")
        compared += 1
    assert compared >= SEEDS // 8


def test_a_graph_of_copies_alone_stays_uint8() -> None:
    case = unsigned_case("TRANSPOSE", 0)
    assert case is not None
    assert apply(case.graph) is case.graph


def _byte(name: str, shape: tuple[int, ...], source: int) -> Tensor:
    return Tensor(name, shape, "uint8", Quant((0.5,), (3,)), source=source)


def test_twins_are_at_the_graphs_ends_only() -> None:
    """x -> RELU -> y -> RELU -> z, y and z being outputs: each uint8 end keeps its number, and one table converts it."""
    tensors = tuple(_byte(name, (2, 3), k) for k, name in enumerate(("x", "middle", "y", "z")))
    ops = tuple(Op("RELU", (k,), (k + 1,)) for k in range(3))
    graph = apply(Graph(tensors, ops, (0,), (2, 3)))
    assert (graph.inputs, graph.outputs) == ((0,), (2, 3))
    assert [tensor.dtype for tensor in graph.tensors] == ["uint8", "int8", "uint8", "uint8", "int8", "int8", "int8"]
    assert [(op.kind, op.inputs, op.outputs) for op in graph.ops] == [
        ("QUANTIZE", (0,), (4,)),
        ("RELU", (4,), (1,)),
        ("RELU", (1,), (5,)),
        ("RELU", (5,), (6,)),
        ("QUANTIZE", (5,), (2,)),
        ("QUANTIZE", (6,), (3,)),
    ]
    assert graph.tensors[4].quant == Quant((0.5,), (-125,))
    assert graph.tensors[4].source == 0


def test_ties_of_a_mean_go_up() -> None:
    """uint8 (1 + 2) / 2 is 2, and as int8 (-127 - 126) / 2 must be -126, where int8 itself gives -127."""
    case = unsigned_case("AVERAGE_POOL_2D", 0)
    assert case is not None
    options = replace(case.graph.ops[0].options, padding=1, stride_w=1, stride_h=1, filter_width=2, filter_height=1, fused_activation=0)
    tensors = (_byte("x", (1, 1, 2, 1), 0), _byte("y", (1, 1, 1, 1), 1))
    graph = Graph(tensors, (Op("AVERAGE_POOL_2D", (0,), (1,), options),), (0,), (1,))
    x = np.array([1, 2], np.uint8).reshape(1, 1, 2, 1)
    assert simulate(compile_graph(graph), (x,))[1].item() == 2


def test_an_operator_with_other_uint8_integers_is_refused() -> None:
    tensors = (
        _byte("x", (1, 2, 2, 1), 0),
        Tensor("size", (2,), "int32", None, np.array([4, 4], np.int32)),
        _byte("y", (1, 4, 4, 1), 2),
    )
    graph = Graph(tensors, (Op("RESIZE_BILINEAR", (0, 1), (2,), ResizeBilinearOptions()),), (0,), (2,))
    with pytest.raises(UnsupportedModel, match=r"RESIZE_BILINEAR \('y'\): on uint8") as error:
        apply(graph)
    assert error.value.hint
