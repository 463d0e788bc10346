"""Channels that hold one integer for every input, and channels that nothing reads, are removed with their weights.

A channel is constant where interval analysis (`ranges`) leaves it a single integer at every position: its filter is zero, or
saturates a clamp whatever comes in, or all that it sees is constant. The layer that reads it adds its share to the bias, if
that share is the same for every output: the layer sees no padding, the constant is the zero point that padding stands for,
or the weights of all taps that reach into the padding are zero.

Which channels go is the largest set that is closed: whatever computes or reads a removed channel must be able to do without
it. It is found by starting from all channels and giving back what cannot go until nothing changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinykd.compile.graph import Array, Reduced
from tinykd.compile.passes.channel_ties import Mixed, Tied, ties
from tinykd.compile.passes.fewer_channels import with_fewer_channels
from tinykd.compile.passes.ranges import ranges
from tinykd.compile.passes.rewriting import renumbered
from tinykd.compile.program import Layer, Program

BLOCK = 4
"""Fast kernels take so many channels at a time: as many are kept as fill the last block, where the tensor had whole blocks."""

MOST_WORK = 1 << 29
"""Multiply-accumulates and elements beyond which a program is left as it is: no microcontroller runs it."""

MOST_ELEMENTS = 1 << 22
"""Of one tensor, beyond which a program is left as it is: no microcontroller holds it, and both ends of its range would be computed."""

Channels = dict[int, Array]
"""For each tensor that may lose channels, [channels] those that go."""


def apply(program: Program) -> Program:
    """The program without those channels; tensors that lost some note which in `Tensor.reduced`."""
    elements = [program.tensor(i).elements for i in program.graph.activations()]
    if program.macs + sum(elements) > MOST_WORK or max(elements, default=0) > MOST_ELEMENTS:
        return program
    constants = {index: known.constants() for index, known in ranges(program).items() if known.low.size and known.low.shape}
    removed = _removable(program, constants)
    tensors = list(program.graph.tensors)
    for index, gone in removed.items():
        if gone.any() and not gone.all():
            kept, known = tuple(np.flatnonzero(~gone).tolist()), constants.get(index, {})
            reduced = Reduced(gone.size, kept, {channel: value for channel, value in known.items() if gone[channel]})
            tensors[index] = replace(tensors[index], shape=(*tensors[index].shape[:-1], len(kept)), reduced=reduced)
    smaller = replace(program, graph=replace(program.graph, tensors=tuple(tensors)))
    alive = [layer for layer in program.layers if not _is_gone(layer, removed)]
    return renumbered(smaller, [with_fewer_channels(smaller, layer) for layer in alive])


def _is_gone(layer: Layer, removed: Channels) -> bool:
    """Nothing is left of the only output of `layer`."""
    return len(layer.op.outputs) == 1 and bool(removed.get(layer.op.outputs[0], np.zeros(1)).all())


def _removable(program: Program, constants: Mapping[int, Mapping[int, int]]) -> Channels:
    """The largest set of channels that every layer can do without."""
    graph = program.graph
    fixed = {*graph.inputs, *graph.outputs, *(state.tensor for state in graph.states)}
    relations = [(layer, ties(program, layer)) for layer in program.layers]
    removed: Channels = {
        index: np.ones(program.tensor(index).shape[-1], np.bool_)
        for layer, relation in relations
        for index in layer.op.outputs
        if relation is not None and index not in fixed
    }
    while True:
        before = _count(removed)
        for layer, relation in reversed(relations):
            _keep_needed(layer, relation, removed, constants)
        if _count(removed) == before:
            for layer, _ in relations:
                _keep_blocks(layer, removed)
            if _count(removed) == before:
                return removed


def _count(removed: Channels) -> int:
    return sum(int(gone.sum()) for gone in removed.values())


def _keep(removed: Channels, index: int, needed: Array) -> None:
    """Keep the channels of `index` that are `needed`."""
    if index in removed:
        removed[index] = removed[index] & ~needed


def _gone(removed: Channels, index: int, channels: int) -> Array:
    return removed.get(index, np.zeros(channels, np.bool_))


def _keep_needed(layer: Layer, relation: Mixed | Tied | None, removed: Channels, constants: Mapping[int, Mapping[int, int]]) -> None:
    """Keep what `layer` cannot do without."""
    if relation is None:
        for index in (*layer.op.inputs, *layer.op.outputs):
            _keep(removed, index, np.array(True))
        return
    output = layer.op.outputs[0]
    if isinstance(relation, Mixed):
        weights = relation.weights[~_gone(removed, output, len(relation.weights))]
        folding = _folding(layer, constants.get(layer.passed[0], {}), weights[:, relation.outside])
        _keep(removed, layer.passed[0], weights.any(axis=(0, 1)) & ~folding)
        return
    for index, source in zip(layer.passed, relation.sources):
        read = source >= 0
        gone = _gone(removed, index, int(source.max(initial=0)) + 1)
        _keep(removed, output, read & ~gone[source])
        needed = np.zeros(gone.size, np.bool_)
        needed[source[read & ~_gone(removed, output, source.size)]] = True
        _keep(removed, index, needed)


def _folding(layer: Layer, constants: Mapping[int, int], at_border: Array) -> Array:
    """[input channels] the channel can go into the bias; `at_border` [outputs, taps that reach into the padding, channels]."""
    folding = np.zeros(at_border.shape[-1], np.bool_)
    for channel, value in constants.items():
        folding[channel] = value == layer.parameters.input_zero_point or not at_border[:, :, channel].any()
    return folding


def _keep_blocks(layer: Layer, removed: Channels) -> None:
    """Keep enough of what `layer` reads for whole blocks, and one block at least if `layer` stays."""
    for index in removed.keys() & set(layer.passed):
        gone, channels = np.flatnonzero(removed[index]), removed[index].size
        missing = (gone.size - channels) % BLOCK if channels % BLOCK == 0 else 0
        if gone.size == channels and not _is_gone(layer, removed):
            missing = BLOCK
        removed[index][gone[:missing]] = False
