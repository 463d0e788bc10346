"""Compute operators whose inputs are all constants, as converters leave them around weights and shapes."""

from __future__ import annotations

from dataclasses import replace

from tinykd.compile.graph import Graph, Op
from tinykd.compile.ops import OPERATORS
from tinykd.errors import UnsupportedModel


def apply(graph: Graph) -> Graph:
    """The operator's NumPy reference gives the integers that the kernel would have computed every time."""
    tensors, kept = list(graph.tensors), list[Op]()
    for op in graph.ops:
        row, inputs = OPERATORS.get(op.kind), [i for i in op.inputs if i >= 0]
        # an output of the graph is read in the arena, where constants have no place
        unfit = row is None or not inputs or not op.outputs or not set(graph.outputs).isdisjoint(op.outputs)
        if row is None or unfit or any(tensors[i].data is None for i in inputs):
            kept.append(op)
            continue
        here = replace(graph, tensors=tuple(tensors))
        try:
            parameters = row.lower(here, op, "single")
        except UnsupportedModel:
            kept.append(op)
            continue
        call = row.call(parameters)
        positions = getattr(call, "inputs", (0,))
        operands = [data for k in positions if (data := tensors[op.inputs[k]].data) is not None]
        results = row.reference(parameters, operands)
        for index, value in zip(op.outputs, results):
            tensors[index] = replace(tensors[index], data=value.reshape(tensors[index].shape))
    return graph if len(kept) == len(graph.ops) else graph.with_ops(tuple(kept), tuple(tensors))
