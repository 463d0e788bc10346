"""The integers of a program in NumPy: what every target must compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Assembled, View
from tinykd.compile.program import Program
from tinykd.errors import UsageError


def simulate(program: Program, inputs: Sequence[Array], states: Mapping[int, Array] | None = None) -> dict[int, Array]:
    """Run one inference.

    Args:
        inputs: one array for each graph input, with its shape and dtype.
        states: what the graph's states hold before, by tensor index: the result of the inference before this one. None
            starts from a reset.

    Returns:
        every activation by tensor index, inputs and the states after this inference included.

    Raises:
        UsageError: an input has the wrong shape or dtype.
    """
    graph = program.graph
    if len(inputs) != len(graph.inputs):
        raise UsageError(f"the model takes {len(graph.inputs)} inputs, not {len(inputs)}")
    values: dict[int, Array] = {s.tensor: s.initial if states is None else states[s.tensor] for s in graph.states}
    for index, value in zip(graph.inputs, inputs):
        tensor = graph.tensors[index]
        if value.shape != tensor.shape or value.dtype != tensor.dtype:
            raise UsageError(f"input '{tensor.name}' is {tensor.dtype}{list(tensor.shape)}, not {value.dtype}{list(value.shape)}")
        values[index] = value
    for layer in program.layers:
        operands = []
        for index in layer.operands:
            constant = graph.tensors[index].data
            operands.append(values[index] if constant is None else constant)
        if isinstance(layer.call, View):
            # the same bytes, of another dtype where an identity of bytes became a view
            whole = b"".join(np.ascontiguousarray(operand).tobytes() for operand in operands)
            starts = (0,) if isinstance(layer.call, Assembled) else layer.call.offsets
            ends = [(graph.tensors[index], start) for index, start in zip(layer.op.outputs, starts, strict=True)]
            results: tuple[Array, ...] = tuple(np.frombuffer(whole, one.dtype, one.elements, start) for one, start in ends)
        else:
            results = layer.row.reference(layer.parameters, operands)
        for index, value in zip(layer.written, results):
            values[index] = value.reshape(graph.tensors[index].shape)  # a rewrite may give a kernel of another rank
    return values
