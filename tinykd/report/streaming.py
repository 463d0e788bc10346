"""What computing layers row by row buys in RAM, and what it costs in instructions."""

from __future__ import annotations

from pydantic import Field

from tinykd.recipe.section import Section


class RowChain(Section):
    """Layers first..last, computed together row by row."""

    first: int
    last: int
    windows_bytes: int = Field(description="rows kept of the tensors between them")
    whole_bytes: int = Field(description="those tensors as they would be whole")
    calls: int = Field(description="kernel calls of one inference")
    moved_bytes: int = Field(description="bytes that windows move in one inference")


class Streaming(Section):
    """Layers that are not computed whole from the first row to the last, beside `--optimize speed`, where all are."""

    chains: tuple[RowChain, ...]
    backward: tuple[int, ...] = Field(description="layers computed from the last row to the first, over their input")
    arena_bytes: int
    whole_arena_bytes: int = Field(description="the arena with every layer whole, as `speed` has it")
    instructions: int = Field(description="estimate of what it adds to one inference")
    share: float = Field(description="of the whole inference, estimated from its multiply-accumulates")


class Price(Section):
    """One inference with some layers row by row, and with all of them whole, by the same compiler in the same emulator."""

    instructions: int
    whole_instructions: int
    arena_bytes: int
    whole_arena_bytes: int


def price_text(p: Price) -> str:
    """A line of plain text."""
    added = p.instructions - p.whole_instructions
    return (
        f"row by row: arena {p.arena_bytes:,} bytes instead of {p.whole_arena_bytes:,}, "
        f"measured price {added:,} instructions ({100 * added / max(p.whole_instructions, 1):.2f} %)"
    )


def streaming_text(s: Streaming) -> list[str]:
    """Lines of plain text."""
    lines = [
        f"row by row: arena {s.arena_bytes:,} bytes, {s.whole_arena_bytes:,} with --optimize speed; "
        f"estimated price {s.instructions:,} instructions ({100 * s.share:.1f} %)"
    ]
    for one in s.chains:
        lines.append(
            f"  layers {one.first} to {one.last} together: {one.windows_bytes:,} bytes of rows where whole tensors take {one.whole_bytes:,}"
        )
    if s.backward:
        lines.append(f"  from the last row to the first: layer{'s' * (len(s.backward) > 1)} {', '.join(map(str, s.backward))}")
    return lines


def streaming_markdown(s: Streaming) -> list[str]:
    """Lines of Markdown."""
    first, *others = streaming_text(s)
    return ["## Row by row", "", first[0].upper() + first[1:] + ".", "", *(f"- {line.strip()}" for line in others)]
