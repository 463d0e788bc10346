"""Collecting an integer model's tensors and operators, a kernel at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.activation import NONE
from tinykd.compile.ops.reshape import ReshapeOptions


@dataclass(frozen=True)
class Target:
    """The tensor that an operation is to fill.

    Attributes:
        name: Of the tensor.
        shape: With the batch, which is 1.
        quant: Its grid.
        clamp: ActivationFunctionType that ends the kernel.
    """

    name: str
    shape: tuple[int, ...]
    quant: Quant
    clamp: int = NONE


class Emission:
    """A graph under construction. Tensors are known by their index."""

    def __init__(self) -> None:
        self._tensors: list[Tensor] = []
        self._ops: list[Op] = []

    def tensor(self, name: str, shape: Sequence[int], quant: Quant) -> int:
        """An int8 activation."""
        self._tensors.append(Tensor(name, tuple(shape), "int8", quant))
        return len(self._tensors) - 1

    def constant(self, name: str, data: NDArray[Any], quant: Quant | None = None, dtype: str | None = None) -> int:
        """A constant; `dtype` int4 for int8 values from -8 to 7."""
        self._tensors.append(Tensor(name, data.shape, dtype or data.dtype.name, quant, data))
        return len(self._tensors) - 1

    def op(self, kind: str, inputs: Sequence[int], target: Target, options: Any = None) -> int:
        """An operator of one result; its tensor."""
        result = self.tensor(target.name, target.shape, target.quant)
        self._ops.append(Op(kind, tuple(inputs), (result,), options))
        return result

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Batch included."""
        return self._tensors[tensor].shape

    def quant(self, tensor: int) -> Quant:
        """The grid of an activation."""
        quant = self._tensors[tensor].quant
        assert quant is not None
        return quant

    def reshape(self, source: int, shape: Sequence[int], name: str) -> int:
        """The same bytes as `shape`; `source` itself where it has that shape."""
        if self.shape(source) == tuple(shape):
            return source
        assert prod(self.shape(source)) == prod(shape)
        sizes = self.constant(f"{name}/shape", np.array(shape, np.int32))
        return self.op("RESHAPE", (source, sizes), Target(name, tuple(shape), self.quant(source)), ReshapeOptions(tuple(shape)))

    def through(self, target: Target, shape: Sequence[int]) -> Target:
        """`target` with another shape, to be reshaped afterwards."""
        return target if target.shape == tuple(shape) else replace(target, name=f"{target.name}/wide", shape=tuple(shape))

    def graph(self, inputs: Sequence[int], outputs: Sequence[int], name: str) -> Graph:
        """The finished graph, checked."""
        graph = Graph(tuple(self._tensors), tuple(self._ops), tuple(inputs), tuple(outputs), name)
        graph.check()
        return graph
