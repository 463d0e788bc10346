"""The plan of the arena as a picture: steps from left to right, addresses from bottom to top, a rectangle a buffer.

The SVG stands alone or inside an HTML page, follows the reader's light or dark scheme, and carries title, description and a
tooltip a buffer. What is hatched is free; what is cross-hatched is overwritten by an output while it is still being read.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from tinykd.report.memory import Memory, PlannedBuffer

FAMILIES: dict[str, str] = {
    "CONV_2D": "convolution",
    "TRANSPOSE_CONV": "convolution",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "dense",
    "BATCH_MATMUL": "dense",
    "AVERAGE_POOL_2D": "pool",
    "MAX_POOL_2D": "pool",
    "MEAN": "pool",
    "ADD": "sum, product",
    "SUB": "sum, product",
    "MUL": "sum, product",
}
"""What a buffer's colour means, by the operator that computes it; other operators are `other`."""

COLOURS: dict[str, tuple[str, str]] = {
    "input": ("#fde725", "#1d1d1f"),
    "convolution": ("#3b528b", "#ffffff"),
    "depthwise": ("#21918c", "#ffffff"),
    "dense": ("#5b2d84", "#ffffff"),
    "pool": ("#addc30", "#1d1d1f"),
    "sum, product": ("#5ec962", "#1d1d1f"),
    "other": ("#2c728e", "#ffffff"),
    "state": ("#e07a5f", "#1d1d1f"),
    "scratch": ("#a8adb4", "#1d1d1f"),
}
"""Fill and text, after viridis."""

_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 74, 24, 96
_HEIGHT = 400
_CHARACTER = 6.1  # pixels of one character at the size of labels
_LINE = 13

_STYLE = """
.tk text{font:11px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;fill:#6e6e73}
.tk .head{font-size:17px;font-weight:600;fill:#1d1d1f}
.tk .note{font-size:12.5px}
.tk .ground{fill:#ffffff}
.tk .rule{stroke:#e3e3e8;stroke-width:1}
.tk .free{stroke:#d9dae0;stroke-width:1;fill:none}
.tk .shared{stroke:#ffffff;stroke-width:1;stroke-opacity:.6;fill:none}
.tk .box{stroke:#ffffff;stroke-width:1.2}
.tk .edge{stroke:#d1495b;stroke-width:1.6;fill:none}
.tk .mark{fill:#d1495b;font-weight:600}
@media (prefers-color-scheme:dark){
.tk text{fill:#a1a1a8}
.tk .head{fill:#f2f2f5}
.tk .ground{fill:#17181c}
.tk .rule{stroke:#2e3038}
.tk .free{stroke:#3a3d47}
.tk .box{stroke:#17181c}
.tk .edge{stroke:#ff7b8a}
.tk .mark{fill:#ff7b8a}
}
"""
"""Plain classes rather than CSS variables, which many renderers of SVG files do not know."""


@dataclass(frozen=True)
class _Frame:
    """From steps and addresses to pixels."""

    steps: int
    bytes: int

    @property
    def column(self) -> float:
        return max(14.0, min(96.0, 1000 / self.steps, max(48.0, 640 / self.steps)))

    @property
    def width(self) -> float:
        return max(self.column * self.steps, 680.0)

    def x(self, step: int) -> float:
        return _LEFT + step * self.width / self.steps

    def y(self, address: int) -> float:
        return _TOP + _HEIGHT * (1 - address / self.bytes)


def plan_svg(memory: Memory, ident: str = "plan") -> str:
    """The picture as an `<svg>` element.

    Args:
        memory: a report with the plan in it.
        ident: begins every id of the picture; another for each picture of a page.
    """
    frame = _Frame(max(len(memory.layers), 1), max(memory.arena_bytes, 1))
    width, height = frame.width + _LEFT + _RIGHT, _HEIGHT + _TOP + _BOTTOM
    proof = "proved minimal" if memory.arena_proved_optimal else f"lower bound {memory.arena_lower_bound_bytes:,}"
    head = f"{memory.model}: {memory.arena_bytes:,} bytes of arena, {proof}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tk" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        f'role="img" aria-labelledby="{ident}-title {ident}-desc">',
        f'<title id="{ident}-title">{escape(head)}</title>',
        f'<desc id="{ident}-desc">{escape(_description(memory))}</desc>',
        f"<style>{_STYLE}</style>",
        _pattern(f"{ident}-free", "free", "M0 8L8 0"),
        _pattern(f"{ident}-shared", "shared", "M0 8L8 0M0 0L8 8"),
        f'<rect class="ground" width="{width:.0f}" height="{height}" rx="10"/>',
        f'<text class="head" x="{_LEFT}" y="30">{escape(head)}</text>',
        f'<text class="note" x="{_LEFT}" y="50">{escape(_limit_line(memory))}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{frame.width:.1f}" height="{_HEIGHT}" fill="url(#{ident}-free)"/>',
        *_grid(frame),
        *(_rectangle(frame, buffer) for buffer in sorted(memory.buffers, key=_area, reverse=True)),
        *_shared(memory, frame, f"{ident}-shared"),
        *(_label(memory, frame, buffer) for buffer in memory.buffers),
        *_peak(memory, frame),
        *_steps(memory, frame),
        *_legend(memory, frame, ident),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def plan_svg_file(memory: Memory) -> str:
    """The picture as a file of its own."""
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + plan_svg(memory)


def family(buffer: PlannedBuffer) -> str:
    """What a buffer's colour stands for."""
    if buffer.role in ("input", "state", "scratch"):
        return buffer.role
    return FAMILIES.get(buffer.operator, "other")


def _description(memory: Memory) -> str:
    listed = "; ".join(f"{_titled(buffer)}" for buffer in memory.buffers[:200])
    return f"Where each buffer lies in the arena, over {len(memory.layers)} layers. {_limit_line(memory)}. Buffers: {listed}."


def _limit_line(memory: Memory) -> str:
    if memory.limit is None or not memory.layers:
        return f"{len(memory.layers)} layers"
    layer, limit = memory.layers[memory.limit.step], memory.limit
    line = f"{len(memory.layers)} layers; layer {layer.index}, {layer.operator}, needs most: {limit.bytes:,} bytes"
    return line if memory.arena_bytes - limit.bytes < 16 else f"{line}; {len(limit.stack)} stacked buffers reach the top"


def _titled(b: PlannedBuffer) -> str:
    what = (
        f"scratch of {b.operator} {b.name}" if b.role == "scratch" else f"{b.role} {b.name}" + (f" of {b.operator}" if b.operator else "")
    )
    return f"{what}: {b.bytes:,} bytes at {b.offset:,} to {b.offset + b.bytes:,}, layers {b.first} to {b.last}"


def _pattern(ident: str, kind: str, path: str) -> str:
    return f'<pattern id="{ident}" width="8" height="8" patternUnits="userSpaceOnUse"><path class="{kind}" d="{path}"/></pattern>'


def _grid(frame: _Frame) -> list[str]:
    """Lines at round addresses, the arena's size on the last."""
    unit = next(u * 10**k for k in range(12) for u in (1, 2, 5) if frame.bytes / (u * 10**k) <= 7)
    lines = []
    for address in [*(a for a in range(0, frame.bytes, unit) if frame.y(a) - _TOP > _LINE), frame.bytes]:
        y = frame.y(address)
        lines.append(f'<line class="rule" x1="{_LEFT}" x2="{_LEFT + frame.width:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{address:,}</text>')
    return lines


def _area(b: PlannedBuffer) -> int:
    """Bytes times layers: the smaller one lies on top."""
    return b.bytes * (b.last - b.first + 1)


def _extent(frame: _Frame, b: PlannedBuffer) -> tuple[float, float, float, float]:
    """x, y, width and height."""
    x, y = frame.x(b.first), frame.y(b.offset + b.bytes)
    return x, y, frame.x(b.last + 1) - x, max(frame.y(b.offset) - y, 1.0)


def _rectangle(frame: _Frame, b: PlannedBuffer) -> str:
    x, y, width, height = _extent(frame, b)
    fill = COLOURS[family(b)][0]
    return (
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" fill="{fill}">'
        f"<title>{escape(_titled(b))}</title></rect>"
    )


def _shared(memory: Memory, frame: _Frame, ident: str) -> list[str]:
    """Bytes and steps that belong to two buffers: an output over the input that it no longer needs."""
    found = []
    for k, one in enumerate(memory.buffers):
        for other in memory.buffers[k + 1 :]:
            first, last = max(one.first, other.first), min(one.last, other.last)
            low, high = max(one.offset, other.offset), min(one.offset + one.bytes, other.offset + other.bytes)
            if first <= last and low < high:
                x, y = frame.x(first), frame.y(high)
                found.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{frame.x(last + 1) - x:.1f}" height="{frame.y(low) - y:.1f}" '
                    f'fill="url(#{ident})"><title>{high - low:,} bytes overwritten while they are read</title></rect>'
                )
    return found


def _label(memory: Memory, frame: _Frame, b: PlannedBuffer) -> str:
    """Bytes, and what it is where no operator made it, lying or standing, where nothing else covers it; nothing where they do not fit."""
    x, y, width, height = _uncovered(memory, frame, b)
    colour, size = COLOURS[family(b)][1], f"{b.bytes:,}"
    along, across = max(width, height), min(width, height)
    choices = [(size,)] if b.role == "tensor" else [(b.role, size), (f"{b.role} {size}",), (size,)]
    fitting = [c for c in choices if across >= _LINE * len(c) + 2 and along >= _CHARACTER * max(map(len, c)) + 8]
    if not fitting:
        return ""
    lines = fitting[0]
    middle_x, middle_y = x + width / 2, y + height / 2
    lying = width >= height or width >= _CHARACTER * max(map(len, lines)) + 8
    turn = "" if lying else f' transform="rotate(-90 {middle_x:.1f} {middle_y:.1f})"'
    rows = [
        f'<tspan x="{middle_x:.1f}" y="{middle_y + 4 + _LINE * (k - (len(lines) - 1) / 2):.1f}">{escape(line)}</tspan>'
        for k, line in enumerate(lines)
    ]
    return f'<text text-anchor="middle" pointer-events="none" style="fill:{colour}"{turn}>{"".join(rows)}</text>'


def _uncovered(memory: Memory, frame: _Frame, b: PlannedBuffer) -> tuple[float, float, float, float]:
    """x, y, width and height of the larger of two parts: the steps, or else the addresses, that no other buffer shares."""
    others = [o for o in memory.buffers if o is not b and o.first <= b.last and b.first <= o.last]
    others = [o for o in others if o.offset < b.offset + b.bytes and b.offset < o.offset + o.bytes]
    first, end = _gap(b.first, b.last + 1, [(o.first, o.last + 1) for o in others])
    low, high = _gap(b.offset, b.offset + b.bytes, [(o.offset, o.offset + o.bytes) for o in others])
    x, y, width, height = _extent(frame, b)
    early = frame.x(first), y, frame.x(end) - frame.x(first), height
    apart = x, frame.y(high), width, frame.y(low) - frame.y(high)
    return max(early, apart, key=lambda part: part[2] * part[3])


def _gap(start: int, end: int, taken: list[tuple[int, int]]) -> tuple[int, int]:
    """The longest stretch of start..end outside what is taken."""
    gaps, at = [], start
    for low, high in [*sorted(taken), (end, end)]:
        gaps.append((at, max(min(low, end), at)))
        at = max(at, high)
    return max(gaps, key=lambda gap: gap[1] - gap[0])


def _peak(memory: Memory, frame: _Frame) -> list[str]:
    if memory.limit is None or not memory.layers:
        return []
    x, width = frame.x(memory.limit.step), frame.x(1) - frame.x(0)
    outline = f'x="{x:.1f}" y="{_TOP}" width="{width:.1f}" height="{_HEIGHT}"'
    return [
        f'<rect class="edge" {outline} pointer-events="none"/>',
        f'<text class="mark" x="{x + width / 2:.1f}" y="{_TOP - 7}" text-anchor="middle">peak</text>',
    ]


def _steps(memory: Memory, frame: _Frame) -> list[str]:
    """Layer numbers, as many as fit."""
    every = next(k for k in (1, 2, 5, 10, 20, 50, 100, 1000) if k * frame.width / frame.steps >= 20)
    y = _TOP + _HEIGHT + 16
    labels = [
        f'<text x="{(frame.x(layer.index) + frame.x(layer.index + 1)) / 2:.1f}" y="{y}" text-anchor="middle">{layer.index}'
        f"<title>{escape(layer.operator)} {escape(layer.name)}</title></text>"
        for layer in memory.layers
        if layer.index % every == 0
    ]
    return [*labels, f'<text x="{_LEFT - 8}" y="{y}" text-anchor="end">layer</text>']


def _legend(memory: Memory, frame: _Frame, ident: str) -> list[str]:
    """The colours that occur, and the two hatchings."""
    used = {family(buffer) for buffer in memory.buffers}
    entries = [(name, f'fill="{colour}"', "") for name, (colour, _) in COLOURS.items() if name in used]
    entries += [("overwritten while read", 'fill="#3b528b"', f"url(#{ident}-shared)"), ("free", f'fill="url(#{ident}-free)"', "")]
    parts, x, y = [], float(_LEFT), _TOP + _HEIGHT + 42
    for name, fill, over in entries:
        width = 13 + 6 + _CHARACTER * len(name) + 20
        if x + width > _LEFT + frame.width:
            x, y = float(_LEFT), y + 20
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="13" height="13" rx="2" {fill}/>')
        if over:
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="13" height="13" rx="2" fill="{over}"/>')
        parts.append(f'<text x="{x + 19:.1f}" y="{y + 10.5}">{escape(name)}</text>')
        x += width
    return parts
