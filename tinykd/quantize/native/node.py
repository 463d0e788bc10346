"""A student as a list of nodes, each an operation that has an integer form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tinykd.compile.graph import Quant
from tinykd.quantize.native.arithmetic import Result, Scale
from tinykd.quantize.native.emission import Emission, Target

Grid = Literal["own", "input", "fixed"]
"""Where a result's step and zero point come from: a range of its own, its input's, or the kernel's prescription."""


class Operation:
    """What a node computes, in real numbers and as integer operators.

    Attributes:
        grid: Of the result.
        quant: The prescribed grid, for `fixed`.
        rounds: Whether results can lie between the integers of the input's grid, for `input`.
        fuses_clamp: Whether the kernel can end with a rectifier.
        joins: Whether all inputs must be on the result's grid.
    """

    grid: ClassVar[Grid] = "own"
    quant: ClassVar[Quant | None] = None
    rounds: ClassVar[bool] = False
    fuses_clamp: ClassVar[bool] = False
    joins: ClassVar[bool] = False

    def real(self, inputs: Sequence[Any], training: bool) -> Any:
        """The result `[batch, ...]`, unrounded."""
        raise NotImplementedError

    def exact(self, inputs: Sequence[Any], scales: Sequence[Scale], result: Result) -> Any:  # noqa: ARG002
        """What the kernel computes, from and to integers less their zero point; by default what is computed in real numbers."""
        return self.real(inputs, False)

    def emit(self, out: Emission, sources: Sequence[int], target: Target) -> int:
        """Append the operators; the tensor of the result."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Node:
    """One step of the forward pass.

    Attributes:
        name: Of the student's layer; a part of one has "/" in it.
        operation: What it computes.
        inputs: Earlier nodes.
        shape: Of one sample's result.
    """

    name: str
    operation: Operation
    inputs: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Nodes:
    """A network.

    Attributes:
        nodes: In order of the forward pass; the first is the input.
        names: The node that holds each layer's output.
        output: The node of the logits.
    """

    nodes: tuple[Node, ...]
    names: Mapping[str, int]
    output: int

    def readers(self) -> list[list[int]]:
        """The nodes that read each node's result."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for index, node in enumerate(self.nodes):
            for source in node.inputs:
                found[source].append(index)
        return found


class Source(Operation):
    """The network's input."""
