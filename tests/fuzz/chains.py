"""Random models without a converter: test cases of the operator table wired into one graph.

A case brings an operator with constants, quantization and options drawn to hurt. Its inputs are fed by tensors that
earlier operators computed, brought to shape and quantization by RESHAPE, TILE, SLICE and QUANTIZE; between operators
lie the pairs that the compiler's rewrites look for. Any operator that enters the table is used here without an edit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.fuzz import pruned_layers
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Quant, State, Tensor
from tinykd.compile.ops import OPERATORS, sampling
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.mirror_pad import MirrorPadOptions
from tinykd.compile.ops.operator import Case
from tinykd.compile.ops.reduction import ReducerOptions
from tinykd.compile.ops.reshape import ReshapeOptions

MOST_ELEMENTS = 6000
"""Cases with larger tensors are not wired further: graphs stay small and fast."""

MOST_OPERATORS = 16
"""No case is wired into a graph that has more already."""


@dataclass
class Wiring:
    """A graph under construction. `values` holds one sample for each graph input."""

    rng: np.random.Generator
    tensors: list[Tensor] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def tensor(self, shape: tuple[int, ...], dtype: str, quant: Quant | None, data: Array | None = None) -> int:
        self.tensors.append(Tensor(f"t{len(self.tensors)}", shape, dtype, quant, data, len(self.tensors)))
        return len(self.tensors) - 1

    def constant(self, values: Any, quant: Quant | None = None) -> int:
        data = np.asarray(values)
        return self.tensor(data.shape, data.dtype.name, quant, data)

    def input(self, value: Array, quant: Quant | None) -> int:
        index = self.tensor(value.shape, value.dtype.name, quant)
        self.inputs.append(index)
        self.values.append(value)
        return index

    def apply(self, kind: str, options: Any, inputs: tuple[int, ...], shape: tuple[int, ...], quant: Quant | None = None) -> int:
        """An operator with one int8 output of `shape`, on the first input's quantization unless given."""
        first = self.tensors[inputs[0]]
        result = self.tensor(shape, first.dtype, first.quant if quant is None else quant)
        self.ops.append(Op(kind, inputs, (result,), options))
        return result

    def available(self) -> list[int]:
        """Computed int8 tensors and int8 inputs, quantized per tensor and not too large."""
        made = [i for op in self.ops for i in op.outputs] + self.inputs
        return [i for i in made if (t := self.tensors[i]).dtype == "int8" and t.quant is not None and 0 < t.elements <= MOST_ELEMENTS]

    def graph(self) -> Graph:
        read = {i for op in self.ops for i in op.inputs}
        made = [i for op in self.ops for i in op.outputs]
        unread = [i for i in made if i not in read]
        outputs = [i for i in made if (i in unread and self.rng.random() < 0.9) or self.rng.random() < 0.1] or unread
        graph = Graph(tuple(self.tensors), tuple(self.ops), tuple(self.inputs), tuple(outputs), name="chain", states=tuple(self.states))
        graph.check()
        return graph


def _ints(*values: int) -> Array:
    return np.array(values, np.int32)


def _resized(w: Wiring, source: int, elements: int) -> int:
    """`source` as a vector of `elements`: repeated, then cut."""
    have = w.tensors[source].elements
    if have == elements:
        return source
    flat = w.apply("RESHAPE", ReshapeOptions(), (source, w.constant(_ints(have))), (have,))
    if have < elements:
        count = -(-elements // have)
        flat, have = w.apply("TILE", None, (flat, w.constant(_ints(count))), (have * count,)), have * count
    if have > elements:
        begin = int(w.rng.integers(0, have - elements + 1))
        flat = w.apply("SLICE", None, (flat, w.constant(_ints(begin)), w.constant(_ints(elements))), (elements,))
    return flat


def stitched(w: Wiring, source: int, wanted: Tensor) -> int:
    """`source` brought to the shape and quantization of `wanted`."""
    index = _resized(w, source, wanted.elements)
    if w.tensors[index].shape != wanted.shape:
        index = w.apply("RESHAPE", ReshapeOptions(), (index, w.constant(_ints(*wanted.shape))), wanted.shape)
    if w.tensors[index].quant != wanted.quant:
        index = w.apply("QUANTIZE", None, (index,), wanted.shape, wanted.quant)
    return index


def _relu(w: Wiring, source: int) -> int:
    kind = str(w.rng.choice(["RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"]))
    if w.rng.random() < 0.3:  # the same operator on another scale is no clamp
        return w.apply(kind, None, (source,), w.tensors[source].shape, sampling.quant(w.rng))
    return w.apply(kind, None, (source,), w.tensors[source].shape)


def _requantized(w: Wiring, source: int) -> int:
    quant = w.tensors[source].quant if w.rng.random() < 0.3 else sampling.quant(w.rng)
    return w.apply("QUANTIZE", None, (source,), w.tensors[source].shape, quant)


def _transposed(w: Wiring, source: int) -> int:
    shape = w.tensors[source].shape
    order = w.rng.permutation(len(shape)).astype(np.int32)
    return w.apply("TRANSPOSE", None, (source, w.constant(order)), tuple(shape[k] for k in order))


def _flattened(w: Wiring, source: int) -> int:
    elements = w.tensors[source].elements
    parts = (elements,) if elements % 2 else (elements // 2, 2)
    return w.apply("RESHAPE", ReshapeOptions(), (source, w.constant(_ints(*parts))), parts)


def _padded(w: Wiring, source: int) -> int:
    shape = w.tensors[source].shape
    borders = w.rng.integers(0, 3, (len(shape), 2)).astype(np.int32)
    wider = tuple(int(size + border.sum()) for size, border in zip(shape, borders))
    return w.apply("PAD", None, (source, w.constant(borders)), wider)


def _mirrored(w: Wiring, source: int) -> int:
    """Along two neighbouring axes: LiteRT mirrors more, the kernel does not."""
    shape = w.tensors[source].shape
    borders = np.array([[int(w.rng.integers(0, min(size, 3))) for _ in range(2)] for size in shape], np.int32)
    first = int(w.rng.integers(0, len(shape)))
    borders[:first], borders[first + 2 :] = 0, 0
    wider = tuple(int(size + border.sum()) for size, border in zip(shape, borders))
    return w.apply("MIRROR_PAD", MirrorPadOptions(), (source, w.constant(borders)), wider)


def _sliced(w: Wiring, source: int) -> int:
    shape = w.tensors[source].shape
    begin = [int(w.rng.integers(0, size)) for size in shape]
    size = [int(w.rng.integers(1, length - first + 1)) for first, length in zip(begin, shape)]
    return w.apply("SLICE", None, (source, w.constant(_ints(*begin)), w.constant(_ints(*size))), tuple(size))


def _rejoined(w: Wiring, source: int) -> int:
    """Cut in two, something computed on each part, and put together the other way round: without copies where it is in one piece."""
    shape = w.tensors[source].shape
    axis = next((k for k, size in enumerate(shape) if size > 1), 0)
    inner = math.prod(shape[axis + 1 :])
    whole_words = [k for k in range(1, shape[axis]) if k * inner % 4 == 0 and (shape[axis] - k) * inner % 4 == 0]
    if not whole_words:
        return source
    cut, parts = int(w.rng.choice(whole_words)), []
    for begin, size in ((cut, shape[axis] - cut), (0, cut)):
        begins, sizes = (
            [value if k == axis else other for k, other in enumerate(rest)] for value, rest in ((begin, [0] * len(shape)), (size, shape))
        )
        part = w.apply("SLICE", None, (source, w.constant(_ints(*begins)), w.constant(_ints(*sizes))), tuple(sizes))
        parts.append(w.apply("RELU", None, (part,), tuple(sizes)))
    return w.apply("CONCATENATION", ConcatenationOptions(axis), tuple(parts), shape)


def _averaged(w: Wiring, source: int) -> int:
    """Over height and width."""
    shape = w.tensors[source].shape
    axes = (1, 2) if len(shape) == 4 else (0,)
    wanted = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    return w.apply("MEAN", ReducerOptions(True), (source, w.constant(_ints(*axes))), wanted)


def _pruned(w: Wiring, source: int) -> int:
    """Two convolutions over the tensor as an image; the first has filters that always give the same integer."""
    elements = w.tensors[source].elements
    width = next(k for k in (3, 2, 1) if elements % k == 0)
    shape = (1, elements // width, width, 1)
    image = w.apply("RESHAPE", ReshapeOptions(), (source, w.constant(_ints(*shape))), shape)
    return pruned_layers.convolution(w, pruned_layers.convolution(w, image))


FOLLOWERS: dict[str, Callable[[Wiring, int], int]] = {
    "clamp": _relu,
    "requantize": _requantized,
    "transpose": _transposed,
    "flatten": _flattened,
    "pad": _padded,
    "mirror": _mirrored,
    "slice": _sliced,
    "rejoin": _rejoined,
    "mean": _averaged,
    "prune": _pruned,
}
"""What may lie between two operators: each reads one int8 tensor."""

_MOST_AXES = 4


def followed(w: Wiring, source: int) -> int:
    """`source` after up to three followers."""
    for _ in range(int(w.rng.integers(0, 4))):
        tensor = w.tensors[source]
        if not 0 < len(tensor.shape) <= _MOST_AXES or tensor.elements > MOST_ELEMENTS:
            return source
        source = FOLLOWERS[str(w.rng.choice(list(FOLLOWERS)))](w, source)
    return source


def _bordered_input(w: Wiring, wanted: Tensor) -> int:
    """A graph input with PAD behind it that gives `wanted`: the pair that moves into a convolution."""
    borders = np.zeros((len(wanted.shape), 2), np.int32)
    for axis in range(1, len(wanted.shape) - 1):
        first = int(w.rng.integers(0, min(wanted.shape[axis], 3)))
        borders[axis] = first, int(w.rng.integers(0, min(wanted.shape[axis] - first, 3)))
    inner = tuple(int(size - border.sum()) for size, border in zip(wanted.shape, borders))
    source = w.input(sampling.int8(w.rng, inner), wanted.quant)
    return w.apply("PAD", None, (source, w.constant(borders)), wanted.shape)


def _source(w: Wiring, wanted: Tensor, value: Array) -> int:
    """Where an input of a case comes from: a new graph input, one behind PAD, or an earlier tensor."""
    wireable = wanted.dtype == "int8" and wanted.quant is not None and not wanted.quant.per_channel and len(wanted.shape) > 0
    choice = w.rng.random()
    if wireable and wanted.elements and choice < 0.7:
        earlier = w.available()
        alike = [i for i in earlier if w.tensors[i].shape == wanted.shape]
        if alike and w.rng.random() < 0.5:
            earlier = alike
        if earlier:
            return stitched(w, followed(w, earlier[int(w.rng.integers(0, len(earlier)))]), wanted)
    if wireable and len(wanted.shape) >= 3 and choice < 0.85:
        return _bordered_input(w, wanted)
    if wireable and choice > 0.96 and w.inputs:  # what converters leave around weights
        constant = w.constant(sampling.int8(w.rng, wanted.shape), sampling.quant(w.rng))
        return w.apply("QUANTIZE", None, (constant,), wanted.shape, wanted.quant)
    return w.input(value, wanted.quant)


def add_case(w: Wiring, case: Case) -> tuple[int, ...]:
    """Wire a one-operator case in; returns its outputs."""
    graph, (op,) = case.graph, case.graph.ops
    fed = dict(zip(graph.inputs, case.inputs))
    starts = {state.tensor: state.initial for state in graph.states}
    sources: dict[int, int] = {-1: -1}
    for i in op.inputs:
        if i not in sources:
            tensor = graph.tensors[i]
            if i in starts or tensor.data is not None:
                sources[i] = w.tensor(tensor.shape, tensor.dtype, tensor.quant, tensor.data)
            else:
                sources[i] = _source(w, tensor, fed[i])
            if i in starts:
                w.states.append(State(sources[i], starts[i]))
    outputs, intermediates = (
        tuple(w.tensor((t := graph.tensors[i]).shape, t.dtype, t.quant) for i in listed) for listed in (op.outputs, op.intermediates)
    )
    inputs = tuple(sources[i] for i in op.inputs)
    w.ops.append(replace(op, inputs=inputs, outputs=outputs, intermediates=intermediates))
    return outputs


def random_graph(seed: int, kinds: tuple[str, ...] = tuple(OPERATORS)) -> Case:
    """A graph of one to six cases, wired, and one sample for its inputs. The same seed gives the same graph."""
    rng = np.random.default_rng([seed, 0xC0DE])
    w = Wiring(rng)
    for position in range(int(rng.integers(1, 7))):
        kind = kinds[seed % len(kinds)] if position == 0 else str(rng.choice(kinds))  # every kind comes first once
        case = OPERATORS[kind].cases(rng)
        if sum(tensor.bytes for tensor in case.graph.tensors) > 8 * MOST_ELEMENTS or len(w.ops) > MOST_OPERATORS:
            continue
        for output in add_case(w, case):
            tensor = w.tensors[output]
            if tensor.dtype == "int8" and tensor.quant is not None and rng.random() < 0.5:
                followed(w, output)
    if not w.ops:
        return random_graph(seed + 1_000_003, kinds)
    return Case(w.graph(), tuple(w.values))


def more_inputs(case: Case, seed: int, samples: int) -> list[tuple[Array, ...]]:
    """The case's own sample and `samples - 1` others of its dtypes."""
    rng = np.random.default_rng([seed, 0xFEED])
    found = [case.inputs]
    for _ in range(samples - 1):
        found.append(tuple(_another(rng, value) for value in case.inputs))
    return found


def _another(rng: np.random.Generator, value: Array) -> Array:
    """Other elements of the same dtype; floats keep their magnitude."""
    if value.dtype.kind == "f":
        return rng.permutation(value.ravel()).reshape(value.shape)
    if value.dtype == np.int8:
        return sampling.int8(rng, value.shape)
    if ITEM_BYTES[value.dtype.name] > 1 or math.prod(value.shape) == 0:
        return value  # indices: any permutation of valid ones may be invalid together
    return rng.permutation(value.ravel()).reshape(value.shape)
