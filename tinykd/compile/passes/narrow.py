"""Narrower layers, to see what they would save: tensors whose channels hang together, and the program with fewer of them.

The result computes something else; only its shapes are of interest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.graph import Reduced
from tinykd.compile.passes.channel_ties import Mixed, Tied, ties
from tinykd.compile.passes.fewer_channels import with_fewer_channels
from tinykd.compile.program import Layer, Program
from tinykd.compile.specialise import specialised

Group = tuple[int, ...]
"""Tensors that must have the same number of channels, in order of appearance."""


def groups(program: Program) -> tuple[Group, ...]:
    """The tensors whose channels may become fewer, by what they hang together with: an ADD ties its operands, a convolution none."""
    graph = program.graph
    fixed = {*graph.inputs, *graph.outputs, *(state.tensor for state in graph.states)}
    group = {index: {index} for index in graph.activations()}

    def tie(one: int, other: int) -> None:
        together = group[one] | group[other]
        for index in together:
            group[index] = together

    for layer in program.layers:
        relation = ties(program, layer)
        output = layer.op.outputs[0] if len(layer.op.outputs) == 1 else None
        if output is not None and isinstance(relation, Tied) and _channel_by_channel(program, output, relation):
            for index in layer.passed:
                if index in group:
                    tie(index, output)
        elif not isinstance(relation, Mixed):
            fixed.update((*layer.op.inputs, *layer.op.outputs))
    found = dict.fromkeys(tuple(sorted(together, key=list(group).index)) for together in group.values())
    return tuple(one for one in found if not fixed.intersection(one))


def _channel_by_channel(program: Program, output: int, relation: Tied) -> bool:
    """Channel c of the output comes from channel c of each operand."""
    every = np.arange(program.tensor(output).shape[-1])
    return all(np.array_equal(source, every) or bool(np.all(source == -1)) for source in relation.sources)


def narrowed(program: Program, group: Group, fewer: int) -> Program:
    """`program` without the last `fewer` channels of the tensors of a group.

    Raises:
        UnsupportedModel: an operator does not take that.
    """
    tensors = [replace(tensor, reduced=None) for tensor in program.graph.tensors]
    for index in group:
        *outer, channels = tensors[index].shape
        left = tuple(range(channels - fewer))
        tensors[index] = replace(tensors[index], shape=(*outer, len(left)), reduced=Reduced(channels, left, {}))
    smaller = replace(program, graph=replace(program.graph, tensors=tuple(tensors)))

    def changed(layer: Layer) -> Layer:
        fresh = with_fewer_channels(smaller, layer)
        return fresh if fresh is layer else specialised(smaller, fresh)

    return replace(smaller, layers=tuple(changed(layer) for layer in program.layers))
