"""Layers in the order whose live tensors take the least memory.

Dynamic programming over sets of finished layers: what must exist after such a set does not depend on the order within it.
A chain has one such set a layer; a network of a few branches has some hundreds. A level keeps only so many sets, those with
the lowest peaks, as keep the work within `MOST_STEPS`; then the order is good but not proved best.

Source: Liberis and Lane 2019, "Neural networks on microcontrollers: saving memory at inference via operator reordering".
"""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.passes.rewriting import renumbered
from tinykd.compile.planner.liveness import buffers, distances, live_bytes
from tinykd.compile.program import Program

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
    """

    sizes: tuple[int, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    scratch: tuple[int, ...]
    readers: tuple[int, ...]
    kept: int
    needs: tuple[int, ...]
    start: int


def apply(program: Program) -> Program:
    """The program with the lowest peak of live bytes; unchanged where its own order has it already, or where it keeps state."""
    if len(program.layers) < 3 or bool(getattr(program.graph, "states", False)):
        return program
    order = _best_order(_costs(program))
    candidate = renumbered(program, [program.layers[k] for k in order])
    return candidate if _peak(candidate) < _peak(program) else program


def _peak(program: Program) -> int:
    found = buffers(program)
    return max(live_bytes(found, len(program.layers), distances(program, found)))


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
    )


def _best_order(costs: _Costs) -> list[int]:
    """Layers in an order of least peak, overwriting of inputs left out of account."""
    count = len(costs.reads)
    most = max(8, MOST_STEPS // count**2)
    level: dict[int, tuple[int, int, tuple[int, ...]]] = {0: (0, costs.start, ())}  # finished -> peak, live, order
    for _ in range(count):
        following: dict[int, tuple[int, int, tuple[int, ...]]] = {}
        for finished, (peak, live, order) in level.items():
            for layer in range(count):
                if finished >> layer & 1 or costs.needs[layer] & ~finished:
                    continue
                during = live | costs.writes[layer]
                after = finished | 1 << layer
                reached = max(peak, _bytes(costs, during) + costs.scratch[layer])
                if after not in following or reached < following[after][0]:
                    left = sum(1 << b for b in _bits(during) if costs.kept >> b & 1 or costs.readers[b] & ~after)
                    following[after] = (reached, left, (*order, layer))
        if len(following) > most:
            following = dict(sorted(following.items(), key=lambda item: item[1][0])[:most])
        level = following
    ((_, _, order),) = level.values()
    return list(order)


def _bits(mask: int) -> list[int]:
    return [k for k in range(mask.bit_length()) if mask >> k & 1]


def _bytes(costs: _Costs, mask: int) -> int:
    return sum(costs.sizes[b] for b in _bits(mask))
