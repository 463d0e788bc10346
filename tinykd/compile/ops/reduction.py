"""What MEAN, SUM, REDUCE_MAX and REDUCE_MIN share: which axes stay and which go, as nested loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Case
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel

LOOPS = 3
"""Loops of a kernel over kept, and again over reduced axes. Neighbouring axes of one kind are one loop."""


@dataclass(frozen=True)
class ReducerOptions:
    keep_dims: int = slot(0, "bool", 0)


@dataclass(frozen=True)
class Reduction:
    """Loops as (size, elements that a turn moves in the input), outermost first; `LOOPS` of each kind."""

    axes: tuple[int, ...]
    output_shape: tuple[int, ...]
    kept: tuple[tuple[int, int], ...]
    reduced: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """Elements that make one output element."""
        return math.prod(size for size, _ in self.reduced)

    def fields(self) -> dict[str, int]:
        """Members of the kernel's struct."""
        named = (("kept", self.kept), ("reduced", self.reduced))
        sizes = {f"{name}_size_{k}": size for name, loops in named for k, (size, _) in enumerate(loops)}
        return sizes | {f"{name}_step_{k}": step for name, loops in named for k, (_, step) in enumerate(loops)}


def reduction(graph: Graph, op: Op, dtypes: Sequence[str] = ("int8",)) -> tuple[Reduction, Quant, Quant]:
    """Check a reduction with constant axes; returns its loops and the quantization of its input and output."""
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    incoming, outgoing = requirements.quantized(graph, op, source, dtypes), requirements.quantized(graph, op, result, dtypes)
    requirements.one_dtype(graph, op, (source, result))
    if not source.elements:
        raise UnsupportedModel(f"{graph.label(op)}: '{source.name}' is empty")
    axes = requirements.axes(graph, op, requirements.present(graph, op, 1), len(source.shape))
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(source.shape) if op.options.keep_dims or axis not in axes)
    requirements.shaped(graph, op, result, shape)
    loops: dict[bool, list[list[int]]] = {True: [], False: []}
    previous, step = None, 1
    for axis in reversed(range(len(source.shape))):
        size, goes = source.shape[axis], axis in axes
        if size > 1:
            if goes == previous:
                loops[goes][0][0] *= size
            else:
                loops[goes].insert(0, [size, step])
            previous = goes
        step *= size
    if max(map(len, loops.values())) > LOOPS:
        raise UnsupportedModel(f"{graph.label(op)}: reducing axes {list(axes)} of {list(source.shape)} takes more than {LOOPS} loops")
    kept, reduced = (((1, 0),) * (LOOPS - len(found)) + tuple((s, t) for s, t in found) for found in (loops[False], loops[True]))
    return Reduction(axes, shape, kept, reduced), incoming, outgoing


def over(p: Reduction, function: Callable[..., Array], x: Array) -> Array:
    """A NumPy reduction over the axes, in the output's shape."""
    return np.asarray(function(x, axis=p.axes)).reshape(p.output_shape)


def macs(_: Any) -> int:
    return 0


def case(rng: np.random.Generator, kind: str, incoming: Quant, outgoing: Quant, dtype: str = "int8") -> Case:
    """A test case over any axes; half are [batch, height, width, channels] over height and width."""
    rank = int(rng.integers(1, 6))
    shape = tuple(int(size) for size in rng.integers(1, 7, rank))
    axes = tuple(int(axis) for axis in rng.permutation(rank)[: int(rng.integers(1, rank + 1))])
    if rng.random() < 0.5:
        shape, axes = tuple(int(size) for size in (*rng.integers(1, 3, 1), *rng.integers(1, 9, 3))), (1, 2)
    keep = int(rng.integers(0, 2))
    result = tuple(1 if axis in axes else size for axis, size in enumerate(shape) if keep or axis not in axes)
    listed = np.array([axis - len(shape) if rng.random() < 0.3 else axis for axis in axes], np.int32)
    x = sampling.integers(rng, shape, dtype)
    tensors = [
        Tensor("input", shape, dtype, sampling.quant_for(incoming, dtype)),
        Tensor("axes", listed.shape, "int32", None, listed),
        Tensor("output", result, dtype, sampling.quant_for(outgoing, dtype)),
    ]
    return sampling.single(kind, ReducerOptions(keep), tensors, (0, 1), (2,), (x,))
