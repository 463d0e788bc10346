"""The plan: an offset for every buffer, found by greedy placement in several orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinykd.compile.planner.liveness import Buffer, buffers, live_bytes
from tinykd.compile.program import Program
from tinykd.errors import TinykdError

ARENA_ALIGNMENT = 16


@dataclass(frozen=True)
class Plan:
    """Where every buffer lies.

    Attributes:
        buffers: what was placed.
        offsets: bytes from the start of the arena, by buffer key.
        tensor_offsets: bytes from the start of the arena, by activation index (views included).
        arena_bytes: what the caller must provide, aligned to 16.
        lower_bound: bytes no plan of these buffers can go below, the largest live set.
        live: bytes that exist at each layer.
    """

    buffers: tuple[Buffer, ...]
    offsets: dict[int, int]
    tensor_offsets: dict[int, int]
    arena_bytes: int
    lower_bound: int
    live: tuple[int, ...]

    @property
    def optimal(self) -> bool:
        """True where the plan reaches its lower bound, which proves it minimal."""
        return self.arena_bytes == self.lower_bound

    def check(self) -> None:
        """Verify that no two buffers that exist together overlap and that all lie inside the arena."""
        for k, one in enumerate(self.buffers):
            start = self.offsets[one.key]
            if start < 0 or start + one.bytes > self.arena_bytes:
                raise TinykdError(f"buffer {one.key} at {start} leaves the arena of {self.arena_bytes} bytes")
            for other in self.buffers[k + 1 :]:
                together = one.first <= other.last and other.first <= one.last
                begin = self.offsets[other.key]
                if together and start < begin + other.bytes and begin < start + one.bytes:
                    raise TinykdError(f"buffers {one.key} and {other.key} overlap in the arena")


_ORDERS: dict[str, Callable[[Buffer], Any]] = {
    "size": lambda b: (-b.bytes, b.first, b.key),
    "area": lambda b: (-b.bytes * (b.last - b.first + 1), b.first, b.key),
    "lifetime": lambda b: (-(b.last - b.first), -b.bytes, b.first, b.key),
    "time": lambda b: (b.first, -b.bytes, b.key),
}
"""Orders of placement; the best plan of all is kept."""


def plan(program: Program) -> Plan:
    """Place every buffer of `program`."""
    return plan_buffers(buffers(program), steps=len(program.layers), owners=program.storage())


def plan_buffers(found: tuple[Buffer, ...], steps: int, owners: Mapping[int, int]) -> Plan:
    """Place bare buffers.

    Args:
        steps: how many layers there are.
        owners: for each activation the buffer key that holds it.
    """
    live = live_bytes(found, steps)
    candidates = [_place(sorted(found, key=order)) for order in _ORDERS.values()]
    heights = [max((offsets[b.key] + b.bytes for b in found), default=0) for offsets in candidates]
    best = heights.index(min(heights))
    offsets = candidates[best]
    result = Plan(
        buffers=found,
        offsets=offsets,
        tensor_offsets={index: offsets[key] for index, key in owners.items() if key in offsets},
        arena_bytes=_aligned(heights[best]),
        lower_bound=_aligned(max(live)),
        live=tuple(live),
    )
    result.check()
    return result


def _aligned(size: int) -> int:
    return -(-size // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def _place(order: Sequence[Buffer]) -> dict[int, int]:
    """Put each buffer into the smallest gap between those that exist with it."""
    offsets: dict[int, int] = {}
    placed: list[Buffer] = []
    for buffer in order:
        taken = sorted((offsets[b.key], offsets[b.key] + b.bytes) for b in placed if b.first <= buffer.last and buffer.first <= b.last)
        top, best = 0, None
        for start, end in taken:
            gap = start - top
            if gap >= buffer.bytes and (best is None or gap < best[0]):
                best = (gap, top)
            top = max(top, end)
        offsets[buffer.key] = top if best is None else best[1]
        placed.append(buffer)
    return offsets
