"""Which layers are computed row by row, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.program import Layer, Program
from tinykd.compile.stream.chain import Chain
from tinykd.compile.stream.rows import Rows

CALL_INSTRUCTIONS = 120
"""Of one more kernel call, on Cortex-M4: its prologue, the row's pointers and counters."""

MOVE_INSTRUCTIONS = 0.4
"""Of moving one byte of a window."""

SINGLE_INSTRUCTIONS = 1.2
"""More for each multiply-accumulate of a pixel that is left over: kernels of CONV_2D take pixels in pairs, here of one row."""


@dataclass(frozen=True)
class Schedule:
    """What is not computed layer by layer from the first row to the last.

    Attributes:
        chains: layers that are computed together, row by row.
        backward: layers that may be computed from their last row to their first, so that the output may lie above the
            input that it overwrites; each layer in a row would else push its output a little further down.
    """

    chains: tuple[Chain, ...] = ()
    backward: tuple[Rows, ...] = ()

    @property
    def instructions(self) -> int:
        """Estimate of the instructions that it costs."""
        by_rows = [*(rows for one in self.chains for rows in one.stages), *self.backward]
        calls, moved = sum(rows.count - 1 for rows in by_rows), sum(one.moved for one in self.chains)
        singles = sum(_leftover_macs(rows) for rows in by_rows)
        return round(calls * CALL_INSTRUCTIONS + moved * MOVE_INSTRUCTIONS + singles * SINGLE_INSTRUCTIONS)

    def rows_at(self, layer: int) -> Rows | None:
        """How a layer is computed by rows; None where it is computed whole."""
        stages = [rows for one in self.chains for rows in one.stages]
        return next((rows for rows in (*stages, *self.backward) if rows.layer.index == layer), None)

    def variants(self, layer: Layer) -> tuple[Layer, ...]:
        """Every kernel call of a layer: one of the whole layer, or those of its rows."""
        rows = self.rows_at(layer.index)
        return (layer,) if rows is None else rows.variants

    def rows_computed(self, tensor: int) -> int | None:
        """How many rows of a tensor inside a chain are computed, for nothing may ask for the last; None for whole tensors."""
        return next((one.held[tensor].computed for one in self.chains if tensor in one.held), None)

    def chain_at(self, layer: int) -> Chain | None:
        """The chain that a layer belongs to."""
        return next((one for one in self.chains if one.first <= layer <= one.last), None)


def _leftover_macs(rows: Rows) -> int:
    """Multiply-accumulates of the last pixels of rows with an odd number of them."""
    p = rows.layer.parameters
    return rows.layer.macs // p.columns.output if isinstance(p, Conv2D) and p.columns.output % 2 else 0


LAYER_BY_LAYER = Schedule()


@dataclass(frozen=True)
class Step:
    """What the planner places as one: a layer, or a chain of them.

    Attributes:
        first, last: layers.
        reads, writes: tensors.
        distances: for each tensor that it reads, bytes that it must start above the only output to be overwritten; None
            where it must not be.
        above: the same for an output that starts above its only input.
        scratch: bytes of working memory.
    """

    first: int
    last: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    distances: tuple[int | None, ...]
    above: int | None
    scratch: int


def steps(program: Program, schedule: Schedule) -> tuple[Step, ...]:
    """The steps of an inference, in order."""
    backward = {rows.layer.index: rows for rows in schedule.backward}
    starts = {one.first: one for one in schedule.chains}
    found, end = list[Step](), -1
    for layer in program.layers:
        if layer.index in starts:
            one = starts[layer.index]
            end = one.last
            distances = tuple(one.distances[i] for i in one.sources)
            found.append(Step(one.first, one.last, one.sources, (one.output,), distances, None, one.scratch))
        elif layer.index > end:
            found.append(_whole(layer, backward.get(layer.index)))
    return tuple(found)


def _whole(layer: Layer, rows: Rows | None) -> Step:
    above = None if rows is None else rows.above
    distances = layer.distances + (None,) * (len(layer.passed) - len(layer.distances))
    scratch = max(layer.scratch, 0 if rows is None else rows.scratch)
    return Step(layer.index, layer.index, layer.passed, layer.op.outputs, distances, above, scratch)


def can_go_backward(rows: Sequence[Rows]) -> tuple[Rows, ...]:
    """Layers that read one tensor and nothing else."""
    return tuple(one for one in rows if len(one.layer.passed) == 1)
