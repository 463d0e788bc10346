"""What rewrites of a program share: layers numbered, and a pair of them made one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tinykd.compile.ops.operator import AnyOperator
from tinykd.compile.program import Layer, Program


def renumbered(program: Program, layers: list[Layer]) -> Program:
    """The program with other layers, numbered by position."""
    return replace(program, layers=tuple(replace(layer, index=k) for k, layer in enumerate(layers)))


def merge_pairs(program: Program, merge: Callable[[Program, Layer, Layer], Layer | None]) -> Program:
    """Replace producer and consumer by what `merge` makes of them, until nothing changes.

    A pair is a layer whose only output is read once, by the second layer as its first input. The merged layer takes the
    place of the second.
    """
    changed = True
    while changed:
        changed = False
        reads = Counter(index for layer in program.layers for index in layer.op.inputs)
        reads.update(program.graph.outputs)
        producers = {layer.op.outputs[0]: layer for layer in program.layers if len(layer.op.outputs) == 1}
        for second in program.layers:
            first = producers.get(second.op.inputs[0]) if second.op.inputs else None
            if first is None or reads[first.op.outputs[0]] != 1:
                continue
            merged = merge(program, first, second)
            if merged is not None:
                layers = [merged if layer is second else layer for layer in program.layers if layer is not first]
                program, changed = renumbered(program, layers), True
                break
    return program


def with_parameters(layer: Layer, row: AnyOperator, parameters: Any, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> Layer:
    """`layer` with another operator's parameters, reading `inputs` and writing `outputs`."""
    op = replace(layer.op, kind=row.kind, inputs=inputs, outputs=outputs)
    return replace(layer, op=op, row=row, parameters=parameters, call=row.call(parameters), macs=row.macs(parameters))
