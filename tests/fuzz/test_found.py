"""What fuzzing found, each defect by its smallest model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fuzz.differential import c_differences, numpy_differences, subject
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops import OPERATORS, requirements
from tinykd.compile.ops.arg_extremum import ArgOptions
from tinykd.compile.ops.operator import View
from tinykd.compile.ops.reshape import ReshapeOptions
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import lower
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model
from tinykd.errors import UnsupportedModel


def test_borders_of_space_to_batch_are_pairs() -> None:
    """Scalars where pairs are due were unpacked."""
    quant = Quant((0.1,), (0,))
    tensors = (
        Tensor("x", (1, 4, 4, 1), "int8", quant, source=0),
        Tensor("block", (2,), "int32", None, np.array([2, 2], np.int32), 1),
        Tensor("borders", (2,), "int32", None, np.array([0, 0], np.int32), 2),
        Tensor("y", (4, 2, 2, 1), "int8", quant, source=3),
    )
    with pytest.raises(UnsupportedModel, match="SPACE_TO_BATCH_ND"):
        lower(Graph(tensors, (Op("SPACE_TO_BATCH_ND", (0, 1, 2), (3,)),), (0,), (3,)))


def test_an_output_of_constants_alone_is_still_written() -> None:
    """Folded to a constant it had no place in the arena, and the emitter failed."""
    quant = Quant((0.1,), (0,))
    tensors = (
        Tensor("x", (1, 4), "int8", quant, source=0),
        Tensor("c", (1, 4), "int8", quant, np.array([[1, -2, 3, -4]], np.int8), 1),
        Tensor("a", (1, 4), "int8", quant, source=2),
        Tensor("b", (1, 4), "int8", quant, source=3),
    )
    program = compile_graph(Graph(tensors, (Op("RELU", (0,), (2,)), Op("RELU", (1,), (3,))), (0,), (2, 3)))
    assert 3 in plan(program).tensor_offsets
    np.testing.assert_array_equal(simulate(program, [np.zeros((1, 4), np.int8)])[3], [[1, 0, 3, 0]])


def test_a_view_of_a_constant_is_copied_into_the_arena(tmp_path: Path) -> None:
    """No code ran for it, and the output was what the arena held before."""
    quant = Quant((0.1,), (0,))
    tensors = (
        Tensor("x", (1, 4), "int8", quant, source=0),
        Tensor("c", (1, 4), "int8", quant, np.array([[1, -2, 3, -4]], np.int8), 1),
        Tensor("shape", (2,), "int32", None, np.array([2, 2], np.int32), 2),
        Tensor("a", (1, 4), "int8", quant, source=3),
        Tensor("b", (2, 2), "int8", quant, source=4),
    )
    ops = (Op("RELU", (0,), (3,)), Op("RESHAPE", (1, 2), (4,), ReshapeOptions()))
    model = write_model(Graph(tensors, ops, (0,), (3, 4)))
    one = subject("constant_view", model, [(np.full((1, 4), 5, np.int8),)])
    assert numpy_differences(one) == []
    assert c_differences([one], tmp_path) == []


def test_zero_points_of_float_intermediates_are_checked() -> None:
    """The range of a dtype that is no integer was asked for."""
    tensor = Tensor("hidden", (1,), "float32", Quant((0.1,), (-129,)), source=0)
    graph = Graph((tensor,), (Op("UNIDIRECTIONAL_SEQUENCE_LSTM", (0,), (0,)),), (0,), (0,))
    with pytest.raises(UnsupportedModel, match="zero point -129"):
        requirements.quantized(graph, graph.ops[0], tensor, ("int8", "float32"))


def test_a_cast_that_became_a_view_has_its_own_dtype() -> None:
    """int8 to uint8 moves no byte; the simulation kept int8."""
    tensors = (
        Tensor("x", (1, 4), "int8", Quant((0.1,), (0,)), source=0),
        Tensor("a", (1, 4), "int8", Quant((1 / 128,), (0,)), source=1),
        Tensor("y", (1, 4), "uint8", source=2),
    )
    cast = OPERATORS["CAST"].options
    ops = (Op("TANH", (0,), (1,)), Op("CAST", (1,), (2,), cast() if cast else None))
    program = compile_graph(Graph(tensors, ops, (0,), (2,)), without=("compose-tables",))
    assert isinstance(program.layers[1].call, View)
    assert simulate(program, [np.array([[-1, 0, 1, 127]], np.int8)])[2].dtype == np.uint8


def test_64_bit_indices_lie_on_8_bytes() -> None:
    """ARG_MAX to int64 beside tensors of 4 bytes: the kernel stored through a misaligned pointer."""
    quant = Quant((0.1,), (0,))
    tensors = [Tensor(f"x{k}", (1, 4), "int8", quant, source=k) for k in range(3)]
    tensors.append(Tensor("axis", (), "int32", None, np.array(1, np.int32), 3))
    tensors += [Tensor(f"index {k}", (1,), "int64", None, source=4 + k) for k in range(3)]
    ops = tuple(Op("ARG_MAX", (k, 3), (4 + k,), ArgOptions(output_type=4)) for k in range(3))
    memory = plan(lower(Graph(tuple(tensors), ops, (0, 1, 2), (4, 5, 6))))
    assert [memory.tensor_offsets[4 + k] % 8 for k in range(3)] == [0, 0, 0]
