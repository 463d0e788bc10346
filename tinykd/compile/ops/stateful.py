"""States of operators: what they start as, and test cases that run several inferences in a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Array, Graph, Op, State, Tensor
from tinykd.compile.ops import requirements
from tinykd.compile.ops.operator import Case
from tinykd.errors import UnsupportedModel


def start(tensor: Tensor) -> Array:
    """What a variable tensor holds after a reset. Source: LiteRT `ResetVariableTensor`: int8 its zero point, others 0."""
    value = tensor.quant.zero_point if tensor.dtype == "int8" and tensor.quant is not None else 0
    return np.full(tensor.shape, value).astype(tensor.dtype)


def state(graph: Graph, op: Op, position: int) -> Tensor:
    """The tensor of a required input that lives from one inference to the next, and is no other operator's state."""
    tensor, index = requirements.present(graph, op, position), op.inputs[position]
    if all(known.tensor != index for known in graph.states):
        raise UnsupportedModel(f"{graph.label(op)}: '{tensor.name}' is not marked as a variable", "convert the model again")
    if sum(other.inputs.count(index) for other in graph.ops) != 1:
        raise UnsupportedModel(f"{graph.label(op)}: the state '{tensor.name}' is used twice")
    return tensor


def case(
    kind: str,
    options: Any,
    tensors: Sequence[Tensor],
    inputs: Sequence[int],
    outputs: Sequence[int],
    states: Sequence[int],
    steps: Sequence[tuple[Array, ...]],
    intermediates: Sequence[int] = (),
) -> Case:
    """A case of one operator with `states` among its inputs; `steps` are the inputs of inferences in a row."""
    listed = tuple(replace(tensor, source=k) for k, tensor in enumerate(tensors))
    fed = tuple(dict.fromkeys(i for i in inputs if i >= 0 and not listed[i].is_constant and i not in states))
    graph = Graph(
        listed,
        (Op(kind, tuple(inputs), tuple(outputs), options, tuple(intermediates)),),
        fed,
        tuple(outputs),
        name=kind.lower(),
        states=tuple(State(i, start(listed[i])) for i in states),
    )
    graph.check()
    return Case(graph, steps[0], tuple(steps[1:]))
