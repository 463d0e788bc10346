"""Inputs and outputs in buffers of the caller's own: what the arena then does without."""

from __future__ import annotations

from tinykd.compile.program import Program


def caller_buffers(program: Program) -> frozenset[int]:
    """Keys of the buffers that hold the graph's inputs and outputs. A state that is also an output stays in the arena."""
    owner, states = program.storage(), {state.tensor for state in program.graph.states}
    ends = (owner[i] for i in (*program.graph.inputs, *program.graph.outputs) if i in owner)
    return frozenset(key for key in ends if key not in states)
