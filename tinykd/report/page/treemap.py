"""The treemap of flash: boxes by layer and by C file, labelled where the label fits, and the same as a table."""

from __future__ import annotations

from html import escape

from tinykd.report.memory import Memory
from tinykd.report.page.flash import Group, flash_groups
from tinykd.report.page.squarify import Rectangle, squarify

_WIDTH, _HEIGHT = 160.0, 90.0


def treemap_html(memory: Memory) -> str:
    """The boxes lie by per cent, so that they fill whatever room there is, while labels keep their size."""
    groups = flash_groups(memory)
    if not groups:
        return ""
    frames = squarify([one.bytes for one in groups], Rectangle(0, 0, _WIDTH, _HEIGHT))
    boxes = [
        _box(group, piece.name, piece.bytes, box, memory.flash_bytes)
        for group, frame in zip(groups, frames, strict=True)
        for piece, box in zip(group.pieces, squarify([p.bytes for p in group.pieces], frame), strict=True)
    ]
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
    said = ", ".join(f"{one.title} {one.bytes:,} bytes" for one in groups)
    return (
        f'<div class="treemap" role="img" aria-label="Flash by layer and by C file: {escape(said)}. The same as a table below.">'
        + "\n".join(boxes)
        + f'</div><ul class="legend">{legend}</ul>'
        '<details><summary>Every piece as a table</summary><table><thead><tr><th scope="col">piece</th>'
        '<th scope="col" class="left">part</th>'
        f'<th scope="col">bytes</th><th scope="col">of flash</th></tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _box(group: Group, name: str, size: int, box: Rectangle, whole: int) -> str:
    title = f"{name}: {size:,} bytes of {group.title}, {100 * size / whole:.1f} % of flash"
    return (
        f'<div class="tile {group.kind}" title="{escape(title)}" style="left:{100 * box.x / _WIDTH:.3f}%;top:{100 * box.y / _HEIGHT:.3f}%;'
        f'width:{100 * box.width / _WIDTH:.3f}%;height:{100 * box.height / _HEIGHT:.3f}%">'
        f"<span>{escape(name)}<br>{size:,}</span></div>"
    )
