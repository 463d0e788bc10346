"""Pieces of Markdown that several pages are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def note(source: str) -> str:
    """The line that keeps people from editing the page."""
    return f"This page is made from {source} by `make docs`."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; bars in cells are escaped, line ends become spaces."""
    return [_row(head), "|" + "---|" * len(head), *map(_row, rows)]


def code(lines: Iterable[str]) -> list[str]:
    """Lines of a code block, indented as on every other page."""
    return [f"    {line}".rstrip() for line in lines]


def text(lines: Iterable[str]) -> str:
    """A page of these lines."""
    return "\n".join(lines).rstrip("\n") + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
