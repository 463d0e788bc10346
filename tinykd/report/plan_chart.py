"""The plan of the arena in a terminal: layers from left to right, addresses from bottom to top, a letter a buffer."""

from __future__ import annotations

from string import ascii_letters

from tinykd.report.memory import Memory, PlannedBuffer

_ROWS = 20
_COLUMNS = 96
_SHARED, _FREE = "#", "."


def plan_chart(memory: Memory) -> str:
    """The picture and its key as plain ASCII of at most 110 columns."""
    steps, size = max(len(memory.layers), 1), max(memory.arena_bytes, 1)
    wide = max(1, min(6, _COLUMNS // steps))
    shown = sorted(memory.buffers, key=lambda b: (b.first, b.offset))
    letters = [(ascii_letters[k % len(ascii_letters)], b) for k, b in enumerate(shown)]
    lines = [f"plan: {size:,} bytes of arena over {steps} layers; '{_SHARED}' is overwritten while it is read, '{_FREE}' is free"]
    for row in reversed(range(_ROWS)):
        low, high = row * size // _ROWS, (row + 1) * size // _ROWS
        cells = "".join(_cell(letters, step, low, high) * wide for step in range(steps))
        lines.append(f"{high:>9,} |{cells}|")
    every = max(1, -(-5 // wide))
    lines.append(" " * 11 + "".join(f"{step:<{wide * every}}" for step in range(0, steps, every)).rstrip())
    if memory.limit is not None:
        lines.append(" " * (11 + memory.limit.step * wide) + "^ peak")
    lines += [f"  {letter} {_described(b)}" for letter, b in letters]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _cell(letters: list[tuple[str, PlannedBuffer]], step: int, low: int, high: int) -> str:
    """What lies at the middle of addresses low..high, at a step."""
    middle = (low + high) // 2
    found = [letter for letter, b in letters if b.first <= step <= b.last and b.offset <= middle < b.offset + b.bytes]
    return _FREE if not found else found[0] if len(found) == 1 else _SHARED


def _described(b: PlannedBuffer) -> str:
    what = f"{b.role:<8}{b.operator[:22]:<23}{b.bytes:>9,} bytes at {b.offset:>8,}, layers {b.first} to {b.last}"
    return f"{what}  {b.name[:32]}"
