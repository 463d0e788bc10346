"""What keeps a plan from being smaller: the step that needs most, and the buffers whose stack reaches the top."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.planner.greedy import pairs_of
from tinykd.compile.planner.liveness import Buffer, live_bytes
from tinykd.compile.planner.plan import Plan


@dataclass(frozen=True)
class Limit:
    """Why the arena is as large as it is.

    Attributes:
        step: the layer whose buffers need most.
        bytes: what they need at least, overwriting counted.
        buffers: they.
        stack: buffers from the bottom of the arena to its top, each as low as the one below allows.
    """

    step: int
    bytes: int
    buffers: tuple[Buffer, ...]
    stack: tuple[Buffer, ...]

    @property
    def shared_bytes(self) -> int:
        """How far the step's buffers lie over each other in the best case."""
        return sum(b.bytes for b in self.buffers) - self.bytes


def limit_of(plan: Plan, steps: int) -> Limit:
    """The limit of a plan of `steps` layers."""
    live = live_bytes(plan.buffers, steps, plan.over)
    step = live.index(max(live))
    return Limit(step, live[step], tuple(b for b in plan.buffers if b.first <= step <= b.last), _stack(plan))


def _stack(plan: Plan) -> tuple[Buffer, ...]:
    """From the buffer that reaches the top down through those that hold it up."""
    at = [plan.offsets[b.key] for b in plan.buffers]
    below: dict[int, list[tuple[int, int]]] = {}
    for i, j, w_ij, w_ji in pairs_of(plan.buffers, plan.over, 1):
        below.setdefault(j, []).append((i, w_ij))
        below.setdefault(i, []).append((j, w_ji))
    if not plan.buffers:
        return ()
    top = max(range(len(at)), key=lambda k: at[k] + plan.buffers[k].bytes)
    found = [top]
    while at[top] > 0:
        # the alignment may leave a few bytes between a buffer and the one that holds it up
        held = [(at[other] + least, other) for other, least in below.get(top, ()) if at[other] < at[top] and at[other] + least <= at[top]]
        if not held:
            break
        top = max(held)[1]
        found.append(top)
    return tuple(plan.buffers[k] for k in reversed(found))
