"""Which integers each element of a program can hold: interval analysis, with the operators' own arithmetic at the ends.

Requantization and clamps only grow with the sum, so the least sum gives the least output, in whichever way the program
rounds. An operator that has no rule here gives the whole range of its dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinykd.compile.fixed_point import Int64
from tinykd.compile.graph import Array, Tensor
from tinykd.compile.ops import conv_2d, depthwise_conv_2d, fully_connected
from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.lookup import Lookup, values
from tinykd.compile.ops.operator import View
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.program import Layer, Program


@dataclass(frozen=True, eq=False)
class Range:
    """The least and the largest integer of each element, [shape] and dtype of the tensor; both can be too wide, never too narrow."""

    low: Array
    high: Array

    def constants(self) -> dict[int, int]:
        """Channels of the last axis that hold one integer at every position for every input, and that integer."""
        low, high = (end.reshape(-1, end.shape[-1]) for end in (self.low, self.high))
        lowest, highest = low.min(axis=0), high.max(axis=0)
        return {int(c): int(lowest[c]) for c in np.flatnonzero(lowest == highest)}


def ranges(program: Program) -> dict[int, Range]:
    """The range of every tensor of integers, by index; states and inputs of the graph can be anything."""
    found: dict[int, Range] = {}
    for index in (*program.graph.inputs, *(state.tensor for state in program.graph.states)):
        _note(found, index, _anything(program.tensor(index)))
    for layer in program.layers:
        operands = [_operand(program, found, index) for index in layer.passed]
        known = [operand for operand in operands if operand is not None]
        results = _results(program, layer, known) if len(known) == len(operands) and not _writes_states(layer) else None
        for k, index in enumerate(layer.op.outputs):
            tensor = program.tensor(index)
            _note(found, index, _anything(tensor) if results is None else _shaped(results[k], tensor.shape))
    return found


def _note(found: dict[int, Range], index: int, known: Range | None) -> None:
    if known is not None:
        found[index] = known


def _anything(tensor: Tensor) -> Range | None:
    """Every integer of the dtype; None for floats."""
    if tensor.dtype not in ("int8", "uint8", "int16", "int32"):
        return None
    limits = np.iinfo(tensor.dtype)
    return Range(*(np.broadcast_to(np.array(end, tensor.dtype), tensor.shape) for end in (limits.min, limits.max)))


def _operand(program: Program, found: Mapping[int, Range], index: int) -> Range | None:
    data = program.tensor(index).data
    return found.get(index) if data is None else Range(data, data)


def _shaped(one: Range, shape: tuple[int, ...]) -> Range:
    return Range(one.low.reshape(shape), one.high.reshape(shape))


def _writes_states(layer: Layer) -> bool:
    return not isinstance(layer.call, View) and bool(layer.call.states)


def _results(program: Program, layer: Layer, operands: Sequence[Range]) -> list[Range] | None:
    """The ranges of the outputs, or None where no rule says them."""
    p = layer.parameters
    if isinstance(layer.call, View):
        same = operands[0].low.dtype == program.tensor(layer.op.outputs[0]).dtype
        return list(operands[:1]) if same else None  # bytes read as another dtype need not keep their order
    if isinstance(p, Weighted):
        sums_of = _SUMS.get(layer.row.kind)
        return None if sums_of is None else [_weighted(p, sums_of, operands[0])]
    if isinstance(p, Lookup):
        return [_looked_up(p, operands[0])]
    if layer.row.kind in GROWING or isinstance(p, (StridedCopy, Joined)):
        low, high = (layer.row.reference(p, [getattr(operand, end) for operand in operands]) for end in ("low", "high"))
        return [Range(*ends) for ends in zip(low, high)]
    return [_at_corners(layer, *operands)] if layer.row.kind in BILINEAR else None


GROWING = frozenset({"ADD", "AVERAGE_POOL_2D", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MIRROR_PAD", "PAD", "PADV2"})
"""Operators whose outputs never fall when an input rises."""

BILINEAR = frozenset({"MUL", "SUB"})
"""Operators that rise or fall along each operand while the other stays: they are extreme where both operands are."""


def _at_corners(layer: Layer, a: Range, b: Range) -> Range:
    results = [layer.row.reference(layer.parameters, (one, other))[0] for one in (a.low, a.high) for other in (b.low, b.high)]
    return Range(np.minimum.reduce(results), np.maximum.reduce(results))


_SUMS: dict[str, Callable[[Any, Array], Int64]] = {
    "CONV_2D": conv_2d.sums_of,
    "DEPTHWISE_CONV_2D": depthwise_conv_2d.sums_of,
    "FULLY_CONNECTED": fully_connected.sums_of,
}


def _weighted(p: Weighted, sums_of: Callable[[Any, Array], Int64], x: Range) -> Range:
    """A sum is least where positive weights meet the least inputs and negative weights the largest; padding adds nothing."""
    centred = p.weights.astype(np.int64) - p.weights_zero_point
    rising = replace(p, weights=np.maximum(centred, 0), weights_zero_point=0)
    falling = replace(p, weights=np.minimum(centred, 0), weights_zero_point=0)
    least = sums_of(rising, x.low) + sums_of(falling, x.high)
    largest = sums_of(rising, x.high) + sums_of(falling, x.low)
    return Range(p.outputs(least), p.outputs(largest))


def _looked_up(p: Lookup, x: Range) -> Range:
    """The extremes of the table between both ends."""
    order = np.argsort(values(x.low.dtype.name))  # bytes by the value that they stand for
    table, bottom = p.table[order], int(np.iinfo(x.low.dtype).min)
    ends = [np.empty((256, 256), table.dtype) for _ in range(2)]
    for start in range(256):
        for end, extreme in zip(ends, (np.minimum, np.maximum)):
            end[start, start:] = extreme.accumulate(table[start:])
    low, high = x.low.astype(np.int64) - bottom, x.high.astype(np.int64) - bottom
    return Range(ends[0][low, high], ends[1][low, high])
