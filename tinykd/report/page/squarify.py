"""Squarified treemaps (Bruls, Huizing, van Wijk: Squarified Treemaps, 2000): a rectangle into parts of given areas, none too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """Left, top, width and height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height


def squarify(areas: Sequence[float], frame: Rectangle) -> list[Rectangle]:
    """A rectangle for each of `areas`, which are positive and in falling order; together they fill `frame`.

    Rows are laid along the shorter side of what is left; a row takes the next area as long as its worst ratio of sides does not rise.
    """
    scale = frame.area / sum(areas) if areas else 0.0
    left = [area * scale for area in areas]
    placed: list[Rectangle] = []
    while left:
        side = min(frame.width, frame.height)
        count = 1
        while count < len(left) and _worst(left[: count + 1], side) <= _worst(left[:count], side):
            count += 1
        row, left = left[:count], left[count:]
        placed_row, frame = _laid(row, frame)
        placed += placed_row
    return placed


def _worst(row: Sequence[float], side: float) -> float:
    """The largest ratio of sides in a row along `side`: `max(s² max / sum², sum² / (s² min))`."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: Sequence[float], frame: Rectangle) -> tuple[list[Rectangle], Rectangle]:
    """The row along the shorter side of `frame`, and what it leaves."""
    total = sum(row)
    placed = []
    if frame.width >= frame.height:
        width, y = total / frame.height, frame.y
        for area in row:
            placed.append(Rectangle(frame.x, y, width, area / width))
            y += area / width
        return placed, Rectangle(frame.x + width, frame.y, max(frame.width - width, 0.0), frame.height)
    height, x = total / frame.width, frame.x
    for area in row:
        placed.append(Rectangle(x, frame.y, area / height, height))
        x += area / height
    return placed, Rectangle(frame.x, frame.y + height, frame.width, max(frame.height - height, 0.0))
