"""What narrower layers would save, as a part of the memory report: the narrower network is planned, not estimated."""

from __future__ import annotations

from tinykd.compile.ops.operator import Call, Table
from tinykd.compile.passes.narrow import Group, groups, narrowed
from tinykd.compile.planner.limit import limit_of
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program
from tinykd.deploy.export import Exported
from tinykd.errors import TinykdError
from tinykd.report.memory import Narrower

BLOCK = 4
"""Channels that fast kernels take at a time: suggestions are multiples of it."""

MOST = 3
"""Suggestions."""

_TRIED = 6
"""Groups of tensors that are tried, those that hold most at the peak."""


def narrower_of(exported: Exported) -> tuple[Narrower, ...]:
    """A quarter of the channels less, of the layers whose tensors make the peak; those that save most first, none that saves nothing."""
    program, plan = exported.program, exported.plan
    limit = limit_of(plan, len(program.layers))
    full = {b.key for b in (*limit.buffers, *limit.stack)} | _inside(exported, limit.step)
    owner = program.storage()
    at_peak = {group: sum(program.tensor(i).bytes for i in group if owner.get(i, i) in full) for group in groups(program)}
    tried = sorted((group for group, held in at_peak.items() if held), key=lambda group: -at_peak[group])[:_TRIED]
    found = [one for one in (_suggestion(exported, group) for group in tried) if one is not None and one.saved_bytes > 0]
    return tuple(sorted(found, key=lambda one: -one.saved_bytes)[:MOST])


def _inside(exported: Exported, step: int) -> set[int]:
    """Tensors that lie in the rows of the chain at a step."""
    one = exported.plan.schedule.chain_at(step)
    return set() if one is None else set(one.held)


def _suggestion(exported: Exported, group: Group) -> Narrower | None:
    program = exported.program
    channels = program.tensor(group[0]).shape[-1] if program.tensor(group[0]).shape else 0
    fewer = max(channels // 4 // BLOCK * BLOCK, BLOCK)
    layers = [layer for layer in program.layers if layer.op.outputs and layer.op.outputs[0] in group and layer.macs]
    if channels <= fewer or not layers:
        return None
    try:
        smaller = narrowed(program, group, fewer)
        arena = plan_for(smaller, exported.settings.optimize, exported.plan.outside, 0.0).arena_bytes
    except TinykdError:
        return None  # an operator that does not take fewer channels
    first, *others = layers
    return Narrower(
        index=first.index,
        operator=first.op.kind,
        name=program.tensor(first.op.subject).name,
        channels=channels,
        fewer=fewer,
        with_layers=tuple(layer.index for layer in others),
        arena_bytes=arena,
        saved_bytes=exported.plan.arena_bytes - arena,
        weights_saved_bytes=_constants(program) - _constants(smaller),
    )


def _constants(program: Program) -> int:
    calls = [layer.call for layer in program.layers if isinstance(layer.call, Call)]
    return sum(value.bytes for call in calls for value in call.fields.values() if isinstance(value, Table))
