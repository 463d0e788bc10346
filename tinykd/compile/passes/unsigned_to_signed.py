"""uint8 activations, as older converters made them, become int8: every integer and zero point less by 128.

That changes no real number, and for the operators listed here no integer either (but for those 128):

- `COPIES` move elements and compute nothing. A graph of these alone stays as it is.
- `SHIFTED` see an integer only less its zero point (sums, products, tables of real functions), or only its order
  (maxima, clamps), and add the output's zero point after their last rounding.
- AVERAGE_POOL_2D divides a sum that includes the zero points and rounds it away from zero. A uint8 sum is never negative,
  so its ties go up; the int8 kernel is told to let them.
- Convolutions and FULLY_CONNECTED keep their uint8 weights with the weights' zero point; it is the weights' dtype that
  tells the operator that LiteRT computed its multiplier as a float32 product.

Others are refused: LiteRT's RESIZE_BILINEAR and L2_NORMALIZATION of uint8 round differently than those of int8, and the
rest do not take uint8 at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import OPERATORS
from tinykd.compile.weight_storage import WEIGHTS
from tinykd.errors import UnsupportedModel

COPIES = frozenset({
    "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "DEQUANTIZE", "EXPAND_DIMS", "GATHER", "MIRROR_PAD", "PACK", "PAD", "PADV2",
    "QUANTIZE", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "SLICE", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE",
    "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK",
})  # fmt: skip
"""Kernels that take uint8 themselves."""

SHIFTED = frozenset({
    "ADD", "ARG_MAX", "ARG_MIN", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "GELU",
    "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "LOG_SOFTMAX", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "PRELU", "REDUCE_MAX",
    "REDUCE_MIN", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "SOFTMAX", "SPACE_TO_BATCH_ND", "SUB", "TANH", "TRANSPOSE_CONV",
})  # fmt: skip
"""Kernels of int8 that compute LiteRT's uint8 integers, less 128."""

_OPTIONS: dict[str, Callable[[Any], Any]] = {"AVERAGE_POOL_2D": lambda options: replace(options, ties="up")}


def apply(graph: Graph) -> Graph:
    """Inputs and outputs of the graph stay uint8, with a QUANTIZE behind or before them.

    Raises:
        UnsupportedModel: an operator whose uint8 integers the int8 kernel does not compute.
    """
    unsigned = [op for op in graph.ops if any(_is_unsigned(tensor) for tensor in graph.op_tensors(op))]
    if all(op.kind in COPIES or op.kind not in OPERATORS for op in unsigned):
        return graph
    for op in unsigned:
        if op.kind in OPERATORS and op.kind not in COPIES | SHIFTED:
            raise UnsupportedModel(
                f"{graph.label(op)}: on uint8 it computes other integers than on int8, or does not exist",
                "convert the model again with int8 inputs and outputs",
            )
    signed = _Signed(graph)
    ops = [Op("QUANTIZE", (i,), (signed.index(i),)) for i in graph.inputs if _is_unsigned(graph.tensors[i])]
    for op in graph.ops:
        inputs = tuple(i if position == WEIGHTS.get(op.kind) else signed.index(i) for position, i in enumerate(op.inputs))
        options = _OPTIONS[op.kind](op.options) if op in unsigned and op.kind in _OPTIONS else op.options
        ops.append(replace(op, inputs=inputs, outputs=tuple(signed.index(i) for i in op.outputs), options=options))
    computed = [i for i in dict.fromkeys(graph.outputs) if _is_unsigned(graph.tensors[i]) and i not in graph.inputs]
    ops += [Op("QUANTIZE", (signed.index(i),), (i,)) for i in computed]
    return graph.with_ops(tuple(ops), tuple(signed.tensors))


def _is_unsigned(tensor: Tensor) -> bool:
    return tensor.dtype == "uint8" and tensor.quant is not None


class _Signed:
    """The tensors of a graph and, made when first asked for, the int8 twins of the uint8 ones."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._twins: dict[int, int] = {}
        self.tensors = list(graph.tensors)

    def index(self, index: int) -> int:
        """The int8 twin of a uint8 tensor, any other tensor itself. Inside the graph the twin takes the tensor's place."""
        if index < 0 or not _is_unsigned(self._graph.tensors[index]):
            return index
        if index not in self._twins:
            tensor, twin = self._graph.tensors[index], _twin(self._graph.tensors[index])
            if tensor.is_constant or index in (*self._graph.inputs, *self._graph.outputs):
                self._twins[index] = len(self.tensors)
                self.tensors.append(twin)
            else:
                self._twins[index] = index
                self.tensors[index] = twin
        return self._twins[index]


def _twin(tensor: Tensor) -> Tensor:
    assert tensor.quant is not None
    quant = replace(tensor.quant, zero_points=tuple(zero_point - 128 for zero_point in tensor.quant.zero_points))
    data = None if tensor.data is None else (tensor.data ^ np.uint8(128)).view(np.int8)
    return replace(tensor, dtype="int8", quant=quant, data=data)
