"""The pass `integer-io`: the same integers without QUANTIZE and DEQUANTIZE at the ends, and nothing dropped that is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.compile.models import conv_then_dense
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.passes import compile_graph
from tinykd.compile.reader import read_model
from tinykd.compile.simulate import simulate
from tinykd.compile.writer import write_model


def with_ends(dtype: str) -> Graph:
    """`conv_then_dense` behind a QUANTIZE from, and before a DEQUANTIZE (or QUANTIZE) to, `dtype`."""
    graph = conv_then_dense()
    inner, result = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    count = len(graph.tensors)
    ends = [
        Tensor("real_image", inner.shape, dtype, _shifted(inner, dtype)),
        Tensor("real_logits", result.shape, dtype, _shifted(result, dtype)),
    ]
    last = "DEQUANTIZE" if dtype == "float32" else "QUANTIZE"
    ops = (Op("QUANTIZE", (count,), graph.inputs), *graph.ops, Op(last, graph.outputs, (count + 1,)))
    wrapped = Graph((*graph.tensors, *ends), ops, (count,), (count + 1,), "wrapped")
    return read_model(write_model(wrapped))


def _shifted(tensor: Tensor, dtype: str) -> Quant | None:
    return replace(tensor.quant, zero_points=(tensor.quant.zero_point + 128,)) if dtype == "uint8" and tensor.quant else None


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_ends_become_integers_and_no_integer_changes(dtype: str) -> None:
    graph = with_ends(dtype)
    whole, bare = compile_graph(graph), compile_graph(graph, with_also=["integer-io"])
    assert [bare.tensor(i).dtype for i in (*bare.graph.inputs, *bare.graph.outputs)] == ["int8", "int8"]
    assert [layer.op.kind for layer in bare.layers] == ["CONV_2D", "FULLY_CONNECTED"]
    rng = np.random.default_rng(0)
    quant = bare.tensor(bare.graph.inputs[0]).quant
    assert quant is not None
    for _ in range(5):
        x = rng.integers(-128, 128, (1, 6, 6, 2)).astype(np.int8)
        real = (x.view(np.uint8) ^ 128) if dtype == "uint8" else (np.float32(quant.scale) * (x.astype(np.float32) - quant.zero_point))
        inner = bare.graph.outputs[0]
        np.testing.assert_array_equal(simulate(bare, [x])[inner], simulate(whole, [real])[inner])


def test_off_by_default() -> None:
    program = compile_graph(with_ends("float32"))
    assert program.tensor(program.graph.inputs[0]).dtype == "float32"


def test_another_scale_is_no_interface() -> None:
    """A QUANTIZE from int8 to int8 computes something: it stays."""
    graph = with_ends("uint8")
    other = replace(graph.tensors[graph.inputs[0]], quant=Quant((0.3,), (7,)))
    graph = replace(graph, tensors=tuple(other if i == graph.inputs[0] else tensor for i, tensor in enumerate(graph.tensors)))
    assert compile_graph(graph, with_also=["integer-io"]).layers[0].op.kind == "QUANTIZE"


def test_an_input_that_goes_straight_out_keeps_its_ends() -> None:
    """QUANTIZE and DEQUANTIZE back to back round: without both there would be nothing left to compute."""
    quant = Quant((0.5,), (3,))
    tensors = (Tensor("x", (4,), "float32"), Tensor("q", (4,), "int8", quant), Tensor("y", (4,), "float32"))
    graph = read_model(write_model(Graph(tensors, (Op("QUANTIZE", (0,), (1,)), Op("DEQUANTIZE", (1,), (2,))), (0,), (2,), "straight")))
    program = compile_graph(graph, with_also=["integer-io"])
    assert [program.tensor(i).dtype for i in (*program.graph.inputs, *program.graph.outputs)] == ["int8", "float32"]
    x = np.array([-3, 0, 5, 127], np.int8)
    np.testing.assert_array_equal(simulate(program, [x])[program.graph.outputs[0]], [-3.0, -1.5, 1.0, 62.0])
