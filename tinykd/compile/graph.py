"""The graph: what a `.tflite` computes, as frozen values with checked invariants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tinykd.errors import UnsupportedModel

Array = npt.NDArray[Any]

ITEM_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}
"""Bytes of one element, for each dtype that an activation can have."""


@dataclass(frozen=True)
class Quant:
    """Affine quantization: real = scale * (q - zero_point).

    Attributes:
        scales: one scale for the tensor, or one per channel along `axis`.
        zero_points: as many as scales.
        axis: the quantized dimension; meaningful with several scales only.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The tensor's only scale."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The tensor's only zero point."""
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1


@dataclass(frozen=True)
class Reduced:
    """What is left of a tensor of the model that lost channels, which are positions along its last axis.

    Attributes:
        channels: how many the model's tensor has.
        kept: which of them this tensor holds, ascending.
        constants: the integers that removed channels hold, whatever the input; nothing reads the other removed channels.
    """

    channels: int
    kept: tuple[int, ...]
    constants: Mapping[int, int]

    @property
    def known(self) -> tuple[int, ...]:
        """Channels of the model's tensor whose integers are known here, ascending."""
        return tuple(sorted({*self.kept, *self.constants}))

    def known_of(self, x: Array) -> Array:
        """The known channels of the model's tensor `x` [..., channels]: [..., known]."""
        return np.asarray(x[..., list(self.known)])

    def restored(self, x: Array) -> Array:
        """`x` [..., kept] with the constants put back: [..., known]."""
        whole = np.empty((*x.shape[:-1], self.channels), x.dtype)
        whole[..., list(self.kept)] = x
        for channel, value in self.constants.items():
            whole[..., channel] = value
        return self.known_of(whole)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph.

    Attributes:
        name: as the model's author called it.
        shape: all axes, batch included; `()` is a scalar.
        dtype: a key of `ITEM_BYTES`, or for constants `int4`, whose `data` is int8 from -8 to 7.
        quant: None for tensors without quantization.
        data: the constant's elements [shape], None for an activation.
        source: the tensor's index in the `.tflite`, by which the reference interpreter knows it.
        reduced: what a rewrite removed of it; None where `shape` is the model's.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: Array | None = None
    source: int = -1
    reduced: Reduced | None = None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Stored; int4 lies two to a byte."""
        return (self.elements + 1) // 2 if self.dtype == "int4" else self.elements * ITEM_BYTES[self.dtype]

    @property
    def is_constant(self) -> bool:
        return self.data is not None


@dataclass(frozen=True)
class Op:
    """One operator: `kind` is the TensorFlow Lite name, `options` its typed builtin options, -1 an absent input."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = None
    intermediates: tuple[int, ...] = ()

    @property
    def subject(self) -> int:
        """The tensor that the operator is known by: its first output, or for one that only writes a state that state."""
        return self.outputs[0] if self.outputs else self.inputs[0] if self.inputs else -1


@dataclass(frozen=True, eq=False)
class State:
    """A tensor that lives from one inference to the next.

    Attributes:
        tensor: its index.
        initial: [shape] what it holds after a reset.
    """

    tensor: int
    initial: Array


@dataclass(frozen=True, eq=False)
class Graph:
    """Tensors, operators in execution order, which tensors come in and go out, and which ones live on."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    name: str = "network"
    model_sha256: str = ""
    model_bytes: int = 0
    states: tuple[State, ...] = field(default=())

    def op_tensors(self, op: Op) -> Iterator[Tensor]:
        """The tensors of `op`'s present inputs, then its outputs."""
        return (self.tensors[i] for i in (*op.inputs, *op.outputs) if i >= 0)

    def label(self, op: Op) -> str:
        """How messages name an operator: its kind and its first output's name."""
        position = next((k for k, other in enumerate(self.ops) if other is op), -1)
        name = self.tensors[op.subject].name if op.subject >= 0 else "?"
        return f"operator {position} {op.kind} ('{name}')"

    def activations(self) -> tuple[int, ...]:
        """Indices of tensors that need memory: graph inputs, states and operator outputs, in order of appearance."""
        produced = dict.fromkeys((*self.inputs, *(state.tensor for state in self.states)))
        for op in self.ops:
            produced.update(dict.fromkeys(op.outputs))
        return tuple(i for i in produced if not self.tensors[i].is_constant)

    def whole(self) -> Graph:
        """The graph with every tensor as the model has it, for operators lowered anew."""
        tensors = tuple(
            t if t.reduced is None else replace(t, shape=(*t.shape[:-1], t.reduced.channels), reduced=None) for t in self.tensors
        )
        return replace(self, tensors=tensors)

    def with_ops(self, ops: tuple[Op, ...], tensors: tuple[Tensor, ...] | None = None) -> Graph:
        """A checked copy with other operators (and tensors)."""
        graph = replace(self, ops=ops, tensors=self.tensors if tensors is None else tensors)
        graph.check()
        return graph

    def check(self) -> None:
        """Verify the invariants every reader and pass must leave intact.

        Raises:
            UnsupportedModel: an index out of range, a tensor read before it is written or written twice,
                a constant whose data does not match its shape, a state that is fed or constant, or a graph output that
                nothing produces.
        """
        count = len(self.tensors)
        for tensor in self.tensors:
            if tensor.data is not None and tuple(tensor.data.shape) != tensor.shape:
                raise UnsupportedModel(f"constant '{tensor.name}' has data {tensor.data.shape} for shape {tensor.shape}")
            if any(size < 0 for size in tensor.shape):
                raise UnsupportedModel(f"tensor '{tensor.name}' has a negative size in {tensor.shape}")
        known = {i for i, t in enumerate(self.tensors) if t.is_constant}
        for i in (*self.inputs, *self.outputs):
            if not 0 <= i < count:
                raise UnsupportedModel(f"graph input or output {i} does not exist among {count} tensors")
        for state in self.states:
            tensor = self.tensors[state.tensor]
            fits = state.initial.shape == tensor.shape and state.initial.dtype == tensor.dtype
            if tensor.is_constant or state.tensor in self.inputs or not fits:
                raise UnsupportedModel(f"'{tensor.name}' cannot be a state: it is a constant or an input, or starts as another tensor")
        known.update(self.inputs, (state.tensor for state in self.states))
        for position, op in enumerate(self.ops):
            for i in op.inputs:
                if not -1 <= i < count:
                    raise UnsupportedModel(f"operator {position} {op.kind} reads tensor {i} of {count}")
                if i >= 0 and i not in known:
                    raise UnsupportedModel(f"operator {position} {op.kind} reads '{self.tensors[i].name}' before anything writes it")
            for i in op.outputs:
                if not 0 <= i < count:
                    raise UnsupportedModel(f"operator {position} {op.kind} writes tensor {i} of {count}")
                if i in known:
                    raise UnsupportedModel(f"operator {position} {op.kind} writes '{self.tensors[i].name}' a second time")
                known.add(i)
        for i in self.outputs:
            if i not in known:
                raise UnsupportedModel(f"nothing computes the graph output '{self.tensors[i].name}'")
