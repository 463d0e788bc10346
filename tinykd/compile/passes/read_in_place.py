"""READ_VARIABLE becomes a view of its state where nothing assigns to the state while the value is still read."""

from __future__ import annotations

from dataclasses import replace

from tinykd.compile.ops.operator import View
from tinykd.compile.ops.variable import Assign, Read
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """Runs last: earlier rewrites move reads, and a view must see the state as it was when the model read it."""
    return replace(program, layers=tuple(_viewed(program, layer) for layer in program.layers))


def _viewed(program: Program, layer: Layer) -> Layer:
    if not isinstance(layer.parameters, Read):
        return layer
    seen, last = {layer.op.outputs[0]}, layer.index  # the value and its views, and the last layer that reads any of them
    for other in program.layers[layer.index + 1 :]:
        if seen & set(other.passed):
            last = other.index
            if isinstance(other.call, View):
                seen.add(other.op.outputs[0])
    state = layer.op.inputs[0]
    assigned = [other.index for other in program.layers if isinstance(other.parameters, Assign) and other.op.inputs[0] == state]
    if seen & set(program.graph.outputs) or any(layer.index < index < last for index in assigned) or _assigned_from(program, seen):
        return layer
    return replace(layer, call=View())


def _assigned_from(program: Program, seen: set[int]) -> bool:
    """The value itself is assigned somewhere: a copy whose source and target could be one."""
    return any(isinstance(other.parameters, Assign) and other.op.inputs[1] in seen for other in program.layers)
