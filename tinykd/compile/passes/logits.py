"""Drop a SOFTMAX or LOGISTIC at the end: the order of classes is the same, and the outputs become logits."""

from __future__ import annotations

from dataclasses import replace

from tinykd.compile.graph import Graph

_TAILS = ("SOFTMAX", "LOGISTIC")


def apply(graph: Graph) -> Graph:
    """Outputs that such an operator computes become its input, unless that is an input of the graph or a constant."""
    outputs = list(graph.outputs)
    for op in graph.ops:
        if op.kind in _TAILS and op.outputs[0] in outputs and op.inputs[0] not in graph.inputs and graph.tensors[op.inputs[0]].data is None:
            outputs[outputs.index(op.outputs[0])] = op.inputs[0]
    dropped = set(graph.outputs) - set(outputs)
    ops = tuple(op for op in graph.ops if not dropped.intersection(op.outputs))
    read = {i for op in ops for i in op.inputs}
    return graph if not dropped or dropped & read else replace(graph, ops=ops, outputs=tuple(outputs))
