"""The program: a graph whose every operator has its integers and its kernel call, ready to be planned and written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Tensor
from tinykd.compile.ops import OPERATORS, joined
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.operator import AnyOperator, Assembled, Call, View
from tinykd.compile.ops.refused import REFUSED
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True, eq=False)
class Layer:
    """One operator of the program.

    Attributes:
        index: position in execution order.
        op: the operator in the graph.
        row: its row of the operator table.
        parameters: what `row.lower` computed.
        call: the kernel call, or a View.
        macs: multiply-accumulates of one inference.
    """

    index: int
    op: Op
    row: AnyOperator
    parameters: Any
    call: Call | View
    macs: int

    @property
    def passed(self) -> tuple[int, ...]:
        """The tensors whose contents the operator reads while running, in the order the kernel takes them."""
        return tuple(self.op.inputs[k] for k in self.call.positions)

    @property
    def operands(self) -> tuple[int, ...]:
        """The same tensors in the order that `row.reference` takes: the portable kernel's, which a faster one need not keep."""
        return tuple(self.op.inputs[k] for k in self.row.call(self.parameters).positions)

    @property
    def written(self) -> tuple[int, ...]:
        """The tensors that the operator computes: its outputs, then the states that it overwrites."""
        states = () if isinstance(self.call, View) else self.call.states
        return (*self.op.outputs, *(self.op.inputs[k] for k in states))

    @property
    def distances(self) -> tuple[int | None, ...]:
        """How far above the output each passed tensor must start to be overwritten (see `ops.access`)."""
        if isinstance(self.call, View):
            return ()
        return self.row.distances(self.parameters) if self.call.distances is None else self.call.distances

    @property
    def scratch(self) -> int:
        """Bytes of working memory beyond the tensors."""
        return 0 if isinstance(self.call, View) else self.call.scratch


@dataclass(frozen=True, eq=False)
class Program:
    """A lowered graph: layers in execution order.

    Attributes:
        features: of the core that the kernels were chosen for, the fastest first (see `specialise`).
    """

    graph: Graph
    rounding: Rounding
    layers: tuple[Layer, ...]
    features: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def tensor(self, index: int) -> Tensor:
        return self.graph.tensors[index]

    def storage(self) -> Mapping[int, int]:
        """For each activation the tensor whose memory holds it: itself, what a chain of views started from, or what it is a part of."""
        return self._held[0]

    def starts(self) -> Mapping[int, int]:
        """For each activation the byte of that memory where it begins."""
        return self._held[1]

    @cached_property
    def _held(self) -> tuple[Mapping[int, int], Mapping[int, int]]:
        held = {index: (index, 0) for index in self.graph.activations()}
        for layer in self.layers:
            if isinstance(layer.call, Assembled):
                (whole,) = layer.op.outputs
                parts = {held[part][0]: offset for part, offset in zip(layer.passed, layer.call.offsets)}
                held |= {index: (whole, parts[owner] + start) for index, (owner, start) in held.items() if owner in parts}
            elif isinstance(layer.call, View) and layer.passed[0] in held:
                owner, start = held[layer.passed[0]]
                held |= {output: (owner, start + offset) for output, offset in zip(layer.op.outputs, layer.call.offsets)}
        return {index: owner for index, (owner, _) in held.items()}, {index: start for index, (_, start) in held.items()}


def lower(graph: Graph, rounding: Rounding = "single") -> Program:
    """Compute every integer of `graph`.

    Args:
        rounding: `single` equals LiteRT's reference kernels, `double` equals TFLite Micro.

    Raises:
        UnsupportedModel: an operator outside the table, or one with a shape, dtype or quantization its kernel does not compute.
    """
    return Program(graph, rounding, tuple(lower_layer(graph, index, op, rounding) for index, op in enumerate(graph.ops)))


def lower_layer(graph: Graph, index: int, op: Op, rounding: Rounding) -> Layer:
    """Compute the integers of `op`, operator number `index` of `graph`.

    Raises:
        UnsupportedModel: see `lower`.
    """
    row = OPERATORS.get(op.kind)
    if op.kind in REFUSED:
        reason, instead = REFUSED[op.kind]
        raise UnsupportedModel(f"{graph.label(op)} is not compiled: {reason}", instead)
    if row is None:
        near = difflib.get_close_matches(op.kind, OPERATORS, 1)
        raise UnsupportedModel(
            f"{graph.label(op)} is not among the {len(OPERATORS)} operators that tinykd compiles",
            f"replace the layer{f' (close: {near[0]})' if near else ''}; the supported operators: {', '.join(sorted(OPERATORS))}",
        )
    parameters = row.lower(graph, op, rounding)
    call = row.call(parameters)
    if isinstance(call, View) and graph.tensors[op.inputs[0]].is_constant:
        call = _copy(graph.tensors[op.outputs[0]])
    return Layer(index, op, row, parameters, call, row.macs(parameters))


def _copy(result: Tensor) -> Call:
    """What a view of a constant is: the constant lies in flash, and whoever reads `result` looks for it in the arena."""
    return joined.join_call(Joined(1, np.array([result.bytes], np.int32), (result.shape,)))
