"""RAM and flash of a graph from its shapes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from tinykd.compile.emit.tables import resettable
from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Graph
from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.planner.outside import caller_buffers
from tinykd.compile.planner.plan import SECONDS
from tinykd.compile.planner.streaming import ALLOWED, placed_bytes, plan_for
from tinykd.compile.program import Layer
from tinykd.compile.sketch.lowering import program_of

Bound = Literal["fast", "exact"]
_SECONDS: Mapping[Bound, float] = {"fast": 0.0, "exact": SECONDS}

IO = Literal["arena", "outside"]


def peak_ram(
    graph: Graph,
    features: Collection[str] = (),
    bound: Bound = "fast",
    *,
    optimize: str = "speed",
    io: IO = "arena",
    rounding: Rounding = "single",
) -> int:
    """Bytes of the arena: tensors, scratch, and inputs and outputs unless they lie outside.

    Args:
        graph: of a `Sketch`, or any other, whose weights are not looked at.
        features: of the core, fastest first, by which kernels are chosen (`tinykd.target.features`).
        bound: `fast` places buffers greedily: never below the smallest arena, rarely above it. `exact` plans as
            `tinykd export` does.
        optimize: what layers may be computed row by row for; beyond `speed` and `size` both bounds take longer.

    Raises:
        UnsupportedModel: no kernel computes an operator.
    """
    program = program_of(graph, features, rounding)
    outside = caller_buffers(program) if io == "outside" else frozenset[int]()
    if bound == "fast" and not ALLOWED[optimize]:
        return placed_bytes(program, outside)
    return plan_for(program, optimize, outside, _SECONDS[bound]).arena_bytes


def flash(graph: Graph, features: Collection[str] = (), rounding: Rounding = "single") -> int:
    """Bytes of the model's constants: weights, biases, multipliers, shifts, tables; without code.

    Of several equal tables an export keeps one, which only the real model can tell.

    Raises:
        UnsupportedModel: no kernel computes an operator.
    """
    program = program_of(graph, features, rounding)
    operands = {i for layer in program.layers for i in layer.passed if program.tensor(i).is_constant and isinstance(layer.call, Call)}
    starts = sum(state.initial.nbytes for state in graph.states if not resettable(state.initial))
    return sum(_tables_bytes(layer) for layer in program.layers) + sum(program.tensor(i).bytes for i in operands) + starts


def _tables_bytes(layer: Layer) -> int:
    values = layer.call.fields.values() if isinstance(layer.call, Call) else ()
    return sum(value.bytes for value in values if isinstance(value, Table))
