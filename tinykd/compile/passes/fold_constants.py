"""Compute operators whose inputs are all constants, as converters leave them around weights and shapes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import OPERATORS
from tinykd.compile.ops.operator import AnyOperator
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
            results, twice = _computed(here, op, row, "single"), _computed(here, op, row, "double")
        except UnsupportedModel:
            kept.append(op)
            continue
        if not all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in zip(results, twice)):
            kept.append(op)  # the program's rounding is not known here, and it matters
            continue
        for index, value in zip(op.outputs, results):
            tensors[index] = replace(tensors[index], data=value.reshape(tensors[index].shape))
    return graph if len(kept) == len(graph.ops) else graph.with_ops(tuple(kept), tuple(tensors))


def _computed(graph: Graph, op: Op, row: AnyOperator, rounding: Rounding) -> tuple[Array, ...]:
    parameters = row.lower(graph, op, rounding)
    positions = getattr(row.call(parameters), "inputs", (0,))
    operands = [data for k in positions if (data := graph.tensors[op.inputs[k]].data) is not None]
    return row.reference(parameters, operands)
