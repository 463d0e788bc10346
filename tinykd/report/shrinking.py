"""What keeps the arena from being smaller, and what would make it so, in words."""

from __future__ import annotations

from tinykd.report.memory import Memory, Narrower, PlannedBuffer


def limit_text(memory: Memory) -> list[str]:
    """The layer that needs most and why, the buffers that fill the arena, and what narrower layers would save."""
    limit = memory.limit
    if limit is None or not memory.layers or not memory.buffers:
        return []
    layer = memory.layers[limit.step]
    parts = " + ".join(_named(memory.buffers[k]) for k in limit.buffers)
    shared = f", overlapping by {limit.shared_bytes:,}" if limit.shared_bytes else ""
    lines = [f"what limits the arena: layer {layer.index} {layer.operator}: {parts}{shared} = {limit.bytes:,} bytes"]
    if memory.arena_bytes - limit.bytes >= 16:
        stack = ", ".join(
            f"{memory.buffers[k].bytes:,} of layers {memory.buffers[k].first} to {memory.buffers[k].last}" for k in limit.stack
        )
        lines.append(f"  but buffers that exist together fill it, from the bottom: {stack}")
    return lines + [f"  {_saving(one)}" for one in memory.narrower]


def limit_markdown(memory: Memory) -> list[str]:
    """The same as a list."""
    return [f"- {line.strip()}" for line in limit_text(memory)]


def _named(b: PlannedBuffer) -> str:
    return f"{b.role if b.role != 'tensor' else b.operator} {b.bytes:,}"


def _saving(one: Narrower) -> str:
    plural = "s" if len(one.with_layers) > 1 else ""
    others = f" (and layer{plural} {', '.join(map(str, one.with_layers))} with it)" if one.with_layers else ""
    return (
        f"{one.fewer} of {one.channels} channels less in layer {one.index} {one.operator}{others}: "
        f"arena {one.arena_bytes:,}, {one.saved_bytes:,} bytes less; weights {one.weights_saved_bytes:,} less"
    )
