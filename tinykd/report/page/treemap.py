"""The treemap of flash: boxes by layer and by C file, labelled where the label fits, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tinykd.report.memory import Memory, Piece
from tinykd.report.page.flash import Group, flash_groups
from tinykd.report.page.squarify import Rectangle, squarify

SHAPES = {"broad": Rectangle(0, 0, 16, 9), "tall": Rectangle(0, 0, 4, 5)}
"""Of the treemap on desks and on phones; the style shows one of them."""


def treemap_html(memory: Memory) -> str:
    """The boxes lie by per cent, so that they fill whatever room there is, while labels keep their size."""
    groups = flash_groups(memory)
    if not groups:
        return ""
    legend = "".join(
        f'<li><span class="swatch {one.kind}" aria-hidden="true"></span>{escape(one.title)}: {one.bytes:,} B, '
        f"{100 * one.bytes / memory.flash_bytes:.1f} %</li>"
        for one in groups
    )
    rows = "".join(
        f'<tr><th scope="row">{escape(piece.name)}</th><td class="left">{escape(group.title)}</td><td>{piece.bytes:,}</td>'
        f"<td>{100 * piece.bytes / memory.flash_bytes:.1f} %</td></tr>"
        for group in groups
        for piece in group.pieces
    )
    return (
        "".join(_picture(groups, memory.flash_bytes, name, whole) for name, whole in SHAPES.items()) + f'<ul class="legend">{legend}</ul>'
        '<details><summary>Every piece as a table</summary><table><thead><tr><th scope="col">piece</th>'
        '<th scope="col" class="left">part</th>'
        f'<th scope="col">bytes</th><th scope="col">of flash</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _picture(groups: Sequence[Group], flash: int, name: str, whole: Rectangle) -> str:
    frames = squarify([one.bytes for one in groups], whole)
    boxes = [
        _box(group, piece, box, whole, flash)
        for group, frame in zip(groups, frames, strict=True)
        for piece, box in zip(group.pieces, squarify([p.bytes for p in group.pieces], frame), strict=True)
    ]
    said = ", ".join(f"{one.title} {one.bytes:,} bytes" for one in groups)
    label = escape(f"Flash by layer and by C file: {said}. The same as a table below.")
    return f'<div class="treemap {name}" role="img" aria-label="{label}">' + "\n".join(boxes) + "</div>"


def _box(group: Group, piece: Piece, box: Rectangle, whole: Rectangle, flash: int) -> str:
    title = f"{piece.name}: {piece.bytes:,} bytes of {group.title}, {100 * piece.bytes / flash:.1f} % of flash"
    places = {
        "left": box.x / whole.width,
        "top": box.y / whole.height,
        "width": box.width / whole.width,
        "height": box.height / whole.height,
    }
    style = ";".join(f"{side}:{100 * part:.3f}%" for side, part in places.items())
    return (
        f'<div class="tile {group.kind}" title="{escape(title)}" style="{style}"><span>{escape(piece.name)}<br>{piece.bytes:,}</span></div>'
    )
