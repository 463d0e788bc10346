"""CONCATENATION and SPLIT without copies: parts that follow one another in memory are computed, or read, where the whole has them.

That is so along the outermost axis longer than 1. The whole then exists from its first part to its last, so it is done only
where the fullest layer needs no more for it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.ops.joined import Joined
from tinykd.compile.ops.operator import Assembled, View
from tinykd.compile.ops.strided_copy import StridedCopy
from tinykd.compile.planner.liveness import alignment_of, peak_bytes
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """Runs last: earlier rewrites move the operators, and the peak depends on their order."""
    peak = None
    for layer in program.layers:
        call = _view(layer)
        if call is None:
            continue
        changed = replace(layer, call=call)
        candidate = replace(program, layers=tuple(changed if one.index == layer.index else one for one in program.layers))
        if not _possible(program, candidate, changed):
            continue
        peak, after = peak_bytes(program) if peak is None else peak, peak_bytes(candidate)
        if after <= peak:
            program, peak = candidate, after
    return program


def _view(layer: Layer) -> View | None:
    """What `layer` is without its copy; None where parts and whole are not in the same order in memory, or nothing is copied."""
    p = layer.parameters
    if isinstance(layer.call, View):
        return None
    if isinstance(p, Joined) and p.rows == 1:
        starts = tuple(int(end) for end in np.cumsum([0, *p.parts[:-1]]))
        return Assembled(layer.call.inputs, starts) if layer.call.source == "join.c" else View(layer.call.inputs, starts)
    if isinstance(p, StridedCopy) and all(size == 1 for size in p.sizes[:-1]) and p.steps[-1] == 1:
        return View(layer.call.inputs, (p.offset,))
    return None


def _possible(program: Program, candidate: Program, layer: Layer) -> bool:
    """`candidate` computes the same where each part has one place, and what comes, goes or stays has its memory for itself."""
    assert isinstance(layer.call, View)
    owner, starts, graph = program.storage(), program.starts(), program.graph
    if any(index not in owner for index in layer.passed) or any(start % alignment_of(program) for start in layer.call.offsets):
        return False  # a constant lies in flash; a kernel may load words
    owners = [owner[index] for index in layer.passed]
    whole_buffers = all(starts[i] == 0 and program.tensor(i).bytes == program.tensor(owner[i]).bytes for i in layer.passed)
    if isinstance(layer.call, Assembled) and (len(set(owners)) < len(owners) or not whole_buffers):
        return False
    states = {state.tensor for state in graph.states}
    ends = (*graph.inputs, *graph.outputs, *states)
    of_the_ends = all(_alone(candidate, index) for index in ends if index in owner)
    return of_the_ends and not states.intersection(owners)


def _alone(program: Program, index: int) -> bool:
    """A tensor fills the memory that holds it."""
    return program.tensor(index).bytes == program.tensor(program.storage()[index]).bytes
