"""The program of a graph, each kind of operator lowered once and remembered by its shapes."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.passes import GRAPH_PASSES, PROGRAM_PASSES
from tinykd.compile.program import Layer, Program, lower_layer
from tinykd.compile.sketch.weightless import is_stand_in, stand_in
from tinykd.compile.specialise import specialised

_REMEMBERED = 1 << 14

WITHOUT = frozenset({"constant-channels"})
"""Passes that look at weights, which a sketch has none of."""


@dataclass(frozen=True)
class _Kind:
    """All that an operator asks of a tensor. `data`: None for an activation, b"" for a stand-in, else its bytes."""

    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None
    data: bytes | None

    @classmethod
    def of(cls, tensor: Tensor) -> _Kind:
        data = None if tensor.data is None else b"" if is_stand_in(tensor) else tensor.data.tobytes()
        return cls(tensor.shape, tensor.dtype, tensor.quant, data)

    def tensor(self) -> Tensor:
        stored = np.int8 if self.dtype == "int4" else np.dtype(self.dtype)
        if self.data == b"" and 0 not in self.shape:
            return Tensor("", self.shape, self.dtype, self.quant, stand_in(self.shape, self.dtype))
        data = None if self.data is None else np.frombuffer(self.data, stored).reshape(self.shape)
        return Tensor("", self.shape, self.dtype, self.quant, data)


def program_of(graph: Graph, features: Collection[str], rounding: Rounding = "single") -> Program:
    """What `compile_graph` and `specialise` make of a weightless `graph`.

    Raises:
        UnsupportedModel: no kernel computes an operator.
    """
    for name, graph_row in GRAPH_PASSES.items():
        if graph_row.default and name not in WITHOUT:
            graph = graph_row.apply(graph)
    layers = tuple(_layer(graph, index, op, rounding) for index, op in enumerate(graph.ops))
    program = Program(graph, rounding, layers)
    for name, row in PROGRAM_PASSES.items():
        if name not in WITHOUT:
            program = row.apply(program)
    program = replace(program, features=tuple(features))
    return replace(program, layers=tuple(_fastest(program, layer) for layer in program.layers))


def _layer(graph: Graph, index: int, op: Op, rounding: Rounding) -> Layer:
    if op.intermediates or any(state.tensor in op.inputs for state in graph.states):
        return lower_layer(graph, index, op, rounding)
    kinds = tuple(None if i < 0 else _Kind.of(graph.tensors[i]) for i in op.inputs)
    same = tuple(op.inputs.index(i) for i in op.inputs)
    alike = _lowered(op.kind, op.options, kinds, same, tuple(_Kind.of(graph.tensors[i]) for i in op.outputs), rounding)
    return Layer(index, op, alike.row, alike.parameters, alike.call, alike.macs)


@lru_cache(_REMEMBERED)
def _lowered(
    kind: str, options: Any, inputs: tuple[_Kind | None, ...], same: tuple[int, ...], outputs: tuple[_Kind, ...], rounding: Rounding
) -> Layer:
    """The layer of an operator alone. `same`: for each input the first one that is the same tensor."""
    tensors = tuple(Tensor("", (), "int8") if one is None else one.tensor() for one in (*inputs, *outputs))
    op = Op(kind, tuple(-1 if one is None else k for one, k in zip(inputs, same)), tuple(range(len(inputs), len(tensors))), options)
    return _knowing(lower_layer(Graph(tensors, (op,), (), ()), 0, op, rounding))


def _knowing(layer: Layer) -> Layer:
    """`layer` with its distances in its call, where nobody need compute them again."""
    return replace(layer, call=replace(layer.call, distances=layer.distances)) if isinstance(layer.call, Call) else layer


@dataclass(frozen=True)
class _Choice:
    """A layer that wants a kernel; two are equal if their parameters are one object, or equal."""

    kind: str
    parameters: Any
    features: tuple[str, ...]
    choose: Callable[[], Layer] = field(compare=False)


def _fastest(program: Program, layer: Layer) -> Layer:
    if not isinstance(layer.call, Call):
        return layer
    choice = _Choice(layer.op.kind, layer.parameters, program.features, lambda: specialised(program, layer))
    try:
        return replace(layer, call=_chosen(choice))
    except TypeError:  # parameters that compare by content and hold arrays: those of operators that have one kernel
        return choice.choose()


@lru_cache(_REMEMBERED)
def _chosen(choice: _Choice) -> Call:
    """The call with tables of nothing: their sizes matter, and thousands are remembered."""
    call = _knowing(choice.choose()).call
    assert isinstance(call, Call)
    return replace(call, fields={name: _hollow(value) for name, value in call.fields.items()})


def _hollow(value: int | Table) -> int | Table:
    return Table(value.ctype, np.broadcast_to(np.zeros((), value.values.dtype), value.values.shape)) if isinstance(value, Table) else value
