"""Every generated page by its name: one table of who makes what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate import board_pages, command_line, method_pages, python_interface, recipe_keys, report_schema

DOCS = Path(__file__).parent.parent

PAGES: Mapping[str, Callable[[], str]] = {
    "reference/command_line.md": command_line.page,
    "reference/recipe.md": recipe_keys.page,
    "reference/report.md": report_schema.page,
    "reference/python.md": python_interface.page,
}
"""Single pages; `docs/operators.md` comes from `tinykd.report.operators`."""

OWNED = ("boards", "methods", "reference")
"""Folders in which every page is generated."""


def pages() -> dict[str, str]:
    """Text by path below `docs/`."""
    return {**{name: make() for name, make in PAGES.items()}, **board_pages.pages(), **method_pages.pages()}
