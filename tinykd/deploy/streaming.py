"""What row streaming does in an export, as a part of its memory report."""

from __future__ import annotations

from tinykd.compile.planner.plan import plan
from tinykd.compile.planner.streaming import estimated_instructions
from tinykd.compile.stream.schedule import LAYER_BY_LAYER
from tinykd.deploy.export import Exported
from tinykd.report.streaming import RowChain, Streaming

_SECONDS = 1.0
"""Time limit for the plan that is only compared with."""


def streaming_of(exported: Exported) -> Streaming | None:
    """Chains and backward layers of an export, with their price; None where every layer is computed whole."""
    program, schedule = exported.program, exported.plan.schedule
    if schedule == LAYER_BY_LAYER:
        return None
    chains = tuple(
        RowChain(
            first=one.first,
            last=one.last,
            windows_bytes=sum(held.bytes for held in one.held.values()),
            whole_bytes=sum(program.tensor(index).bytes for index in one.held),
            calls=one.calls,
            moved_bytes=one.moved,
        )
        for one in schedule.chains
    )
    return Streaming(
        chains=chains,
        backward=tuple(rows.layer.index for rows in schedule.backward),
        arena_bytes=exported.plan.arena_bytes,
        whole_arena_bytes=plan(program, _SECONDS, exported.plan.outside).arena_bytes,
        instructions=schedule.instructions,
        share=schedule.instructions / max(estimated_instructions(program), 1),
    )
