"""What a kernel call costs in instructions, from shapes alone: the price of a choice before anything is built.

    instructions = mac * MACs + output * outputs + window * values in windows + position * positions + call

A position is an element of the output without its last axis, a pixel; the values in its window are the inputs that it reads of
each filter. The constants are fitted to `tinykd profile` by `python bench/cost_model.py FOLDER`, which prints this table. They hold
for gcc at -O2 and the first core below that runs the kernel; between candidates for one core only their order matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program


@dataclass(frozen=True)
class Work:
    """What a layer has to do, counted.

    Attributes:
        macs: multiply-accumulates.
        outputs: elements.
        windows: values in the windows of all positions.
        positions: elements of the output without its last axis.
    """

    macs: int
    outputs: int
    windows: int
    positions: int


@dataclass(frozen=True)
class Cost:
    """Instructions for each unit of `Work`, and for the call itself."""

    mac: float
    output: float
    window: float
    position: float
    call: float

    def of(self, work: Work) -> int:
        """Instructions of one call."""
        spent = self.mac * work.macs + self.output * work.outputs + self.window * work.windows + self.position * work.positions
        return round(spent + self.call)


COSTS: Mapping[str, Cost] = {}
"""By kernel."""

UNKNOWN = Cost(mac=8, output=25, window=0, position=0, call=100)
"""Of kernels that are not in the table."""


def work(program: Program, layer: Layer) -> Work:
    """What `layer` has to do."""
    shape = program.tensor(layer.op.subject).shape
    outputs = sum(program.tensor(index).elements for index in layer.op.outputs)
    read = sum(program.tensor(index).elements for index in layer.passed)
    channels = shape[-1] if shape else 1
    return Work(layer.macs, outputs, layer.macs // channels if layer.macs else read, prod(shape[:-1]))


def instructions(program: Program, layer: Layer) -> int:
    """Estimate of the instructions that `layer` takes; 0 for a view."""
    if not isinstance(layer.call, Call):
        return 0
    return COSTS.get(layer.call.function, UNKNOWN).of(work(program, layer))
