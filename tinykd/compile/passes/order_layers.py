"""Layers in the order whose live tensors take the least memory.

Dynamic programming over sets of finished layers: what must exist after such a set does not depend on the order within it.
A chain has one such set a layer; a network of a few branches has some hundreds. A level keeps only so many sets, those with
the lowest peaks, as keep the work within `MOST_STEPS`; then the order is good but not proved best.

Source: Liberis and Lane 2019, "Neural networks on microcontrollers: saving memory at inference via operator reordering".
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.ops.operator import View
from tinykd.compile.passes.rewriting import renumbered
from tinykd.compile.planner.liveness import between_buffers, buffers, peak_bytes
from tinykd.compile.program import Layer, Program

MOST_STEPS = 60_000
"""Layers tried after some set, over the whole search: about a second."""


@dataclass(frozen=True)
class _Costs:
    """What the search needs of a program, buffers by bit.

    Attributes:
        sizes: bytes of each buffer, alignment included.
        reads, writes: bit sets of buffers by layer.
        scratch: bytes by layer.
        readers: bit sets of layers by buffer.
        kept: buffers that outlive the program.
        needs: bit sets of layers that must come before, by layer.
        start: buffers of the graph's inputs.
        over: by layer, the distances at which its only output may overwrite an input (see `ops.access`), by that input's buffer.
    """

    sizes: tuple[int, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    scratch: tuple[int, ...]
    readers: tuple[int, ...]
    kept: int
    needs: tuple[int, ...]
    start: int
    over: tuple[dict[int, int], ...]


@dataclass(frozen=True)
class _Partial:
    """The best way to finish some layers: the peak so far, live buffers and ready layers as bit sets."""

    peak: int
    live: int
    ready: int
    order: tuple[int, ...]


def apply(program: Program) -> Program:
    """The program with the lowest peak of live bytes; unchanged where its own order has it already, or where it keeps state."""
    if len(program.layers) < 2 or bool(getattr(program.graph, "states", False)):
        return program
    if all(program.layers[k - 1].op.outputs[0] in program.layers[k].op.inputs for k in range(1, len(program.layers))):
        return program  # a chain has one order
    order = _best_order(_costs(program))
    candidate = renumbered(program, [program.layers[k] for k in order])
    return candidate if peak_bytes(candidate) < peak_bytes(program) else program


def _costs(program: Program) -> _Costs:
    owner, found = program.storage(), [b for b in buffers(program) if b.key >= 0]
    bit = {b.key: k for k, b in enumerate(found)}

    def mask(tensors: tuple[int, ...]) -> int:
        return sum(1 << k for k in {bit[owner[i]] for i in tensors if i in owner})

    reads, writes = [mask(layer.passed) for layer in program.layers], [mask(layer.op.outputs) for layer in program.layers]
    producers = {index: position for position, layer in enumerate(program.layers) for index in layer.op.outputs}
    needs = [sum({1 << producers[i] for i in layer.op.inputs if i in producers}) for layer in program.layers]
    readers = [sum(1 << k for k, seen in enumerate(reads) if seen >> b & 1) for b in range(len(found))]
    return _Costs(
        sizes=tuple(b.bytes for b in found),
        reads=tuple(reads),
        writes=tuple(writes),
        scratch=tuple(layer.scratch for layer in program.layers),
        readers=tuple(readers),
        kept=mask(program.graph.outputs),
        needs=tuple(needs),
        start=mask(program.graph.inputs),
        over=tuple(_overwritten(program, layer, bit) for layer in program.layers),
    )


def _overwritten(program: Program, layer: Layer, bit: dict[int, int]) -> dict[int, int]:
    """Distances by buffer, of those that the layer's only output may overwrite."""
    if len(layer.op.outputs) != 1 or isinstance(layer.call, View):
        return {}
    padded = layer.distances + (None,) * (len(layer.passed) - len(layer.distances))
    found = between_buffers(program, layer.passed, padded, layer.op.outputs[0])
    return {bit[buffer]: distance for buffer, distance in found.items() if distance is not None}


def _best_order(costs: _Costs) -> list[int]:
    """Layers in an order of least peak."""
    count = len(costs.reads)
    most = max(8, MOST_STEPS // count**2)
    after_it = [[k for k in range(count) if costs.needs[k] >> layer & 1] for layer in range(count)]
    ready = sum(1 << k for k in range(count) if not costs.needs[k])
    level = {0: _Partial(0, costs.start, ready, ())}  # by finished layers
    for _ in range(count):
        following: dict[int, _Partial] = {}
        for finished, one in level.items():
            for layer in _bits(one.ready):
                after = finished | 1 << layer
                during = one.live | costs.writes[layer]
                left = sum(1 << b for b in _bits(during) if costs.kept >> b & 1 or costs.readers[b] & ~after)
                reached = max(one.peak, _bytes(costs, during) + costs.scratch[layer] - _shared(costs, layer, one.live, during & ~left))
                if after not in following or reached < following[after].peak:
                    opened = sum(1 << k for k in after_it[layer] if not costs.needs[k] & ~after)
                    following[after] = _Partial(reached, left, one.ready & ~(1 << layer) | opened, (*one.order, layer))
        if len(following) > most:
            following = dict(sorted(following.items(), key=lambda item: item[1].peak)[:most])
        level = following
    (best,) = level.values()
    return list(best.order)


def _shared(costs: _Costs, layer: int, live: int, dying: int) -> int:
    """Bytes that the output of a layer shares with inputs that nobody reads later (see `liveness.live_bytes`).

    Nothing is shared by a buffer that holds other parts before, `live`.
    """
    written = _bits(costs.writes[layer])
    sources = [b for b in _bits(dying & costs.reads[layer]) if b in costs.over[layer] and b not in written]
    if not sources or len(written) != 1 or live & costs.writes[layer]:
        return 0
    output, together = costs.sizes[written[0]], sum(costs.sizes[b] for b in sources)
    apart = costs.over[layer][sources[0]] if len(sources) == 1 else 0
    return output + together - max(output, apart + together)


def _bits(mask: int) -> list[int]:
    return [k for k in range(mask.bit_length()) if mask >> k & 1]


def _bytes(costs: _Costs, mask: int) -> int:
    return sum(costs.sizes[b] for b in _bits(mask))
