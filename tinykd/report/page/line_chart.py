"""Lines over epochs as SVG that takes its ink from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

WIDTH, HEIGHT = 400, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 10, 12, 34

#: Strokes are told apart by their dashes too; the classes have their colours in the page's style.
DASHES = ("", "6 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2")

Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Line:
    """A curve: `points` are (epoch, value), `mark` is the one to point out."""

    name: str
    points: tuple[tuple[int, float], ...]
    mark: tuple[int, float] | None = None


def line_chart(ident: str, title: str, lines: Sequence[Line], scale: Scale, low: float, high: float, unit: str = "") -> str:
    """An `<svg>` of the lines between `low` and `high`; what lies outside is cut off.

    Args:
        ident: begins every id of the picture.
        lines: in the order of their colours.
        unit: behind the figures of the axis.
    """
    last = max((epoch for line in lines for epoch, _ in line.points), default=1)

    def x(epoch: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (epoch - 1) / max(last - 1, 1)

    def y(value: float) -> float:
        part = (value - low) / (high - low) if scale == "linear" else math.log(value / low) / math.log(high / low)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * part

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{ident}-title {ident}-desc">',
        f'<title id="{ident}-title">{escape(title)}</title><desc id="{ident}-desc">{escape(_description(lines))}</desc>',
        f'<clipPath id="{ident}-clip"><rect x="{_LEFT - 3}" y="{_TOP - 6}" width="{WIDTH - _LEFT - _RIGHT + 6}" '
        f'height="{HEIGHT - _TOP - _BOTTOM + 6}"/></clipPath>',
    ]
    for value in (linear_ticks if scale == "linear" else log_ticks)(low, high):
        parts.append(
            f'<path class="rule" d="M{_LEFT} {y(value):.1f}H{WIDTH - _RIGHT}"/>'
            f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}{unit}</text>'
        )
    for epoch in _epochs(last):
        parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - 16}" text-anchor="middle">{epoch}</text>')
    parts.append(f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 2}" text-anchor="middle">epoch</text>')
    parts.append(f'<g clip-path="url(#{ident}-clip)">')
    for k, line in enumerate(lines):
        shown = [(e, v) for e, v in line.points if math.isfinite(v) and (scale == "linear" or v > 0)]
        path = "L".join(f"{x(e):.1f} {min(max(y(v), -HEIGHT), 2 * HEIGHT):.1f}" for e, v in shown)
        if path:
            dash = f' stroke-dasharray="{DASHES[k % len(DASHES)]}"' if DASHES[k % len(DASHES)] else ""
            parts.append(f'<path class="line c{k % len(DASHES)}"{dash} d="M{path}"><title>{escape(line.name)}</title></path>')
        if line.mark is not None and math.isfinite(line.mark[1]):
            epoch, value = line.mark
            parts.append(
                f'<circle class="line c{k % len(DASHES)}" cx="{x(epoch):.1f}" cy="{y(value):.1f}" r="4">'
                f"<title>{escape(line.name)}: {value:.4g}{unit} in epoch {epoch}</title></circle>"
            )
    return "\n".join((*parts, "</g>", "</svg>"))


def linear_ticks(low: float, high: float) -> list[float]:
    """At most six round values from `low` to `high`."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(step * k, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten from `low` to `high`, with 2 and 5 times them where there is room."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wanted = (1, 2, 5) if math.log10(high / low) <= 2 else (1,)
    return [m * 10.0**d for d in decades for m in wanted if low * (1 - 1e-9) <= m * 10.0**d <= high * (1 + 1e-9)]


def _epochs(last: int) -> list[int]:
    step = next(k for k in (n * 10**p for p in range(9) for n in (1, 2, 5)) if last / k <= 8)
    return sorted({1, *range(step, last + 1, step)} - ({step} if step in (2,) and last > 8 else set()))


def _description(lines: Sequence[Line]) -> str:
    found = []
    for line in lines:
        if line.points:
            (first, begun), (last, ended) = line.points[0], line.points[-1]
            found.append(f"{line.name}: {begun:.4g} in epoch {first}, {ended:.4g} in epoch {last}")
    return "; ".join(found)
