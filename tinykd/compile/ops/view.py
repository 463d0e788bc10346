"""What RESHAPE, SQUEEZE and EXPAND_DIMS share: the bytes of the input under another shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements
from tinykd.compile.ops.operator import View
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class Viewed:
    """The shape that the output gives to the input's elements."""

    shape: tuple[int, ...]


def ends(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    """Input and output, checked to hold the same number of elements of the same dtype."""
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    if source.dtype != result.dtype or source.elements != result.elements or not source.elements:
        raise UnsupportedModel(
            f"{graph.label(op)}: '{source.name}' {source.dtype}{list(source.shape)} is no view of {result.dtype}{list(result.shape)}"
        )
    return source, result


def reference(p: Viewed, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (inputs[0].reshape(p.shape),)


def call(_: Viewed) -> View:
    return View()


def macs(_: Viewed) -> int:
    return 0
