"""Commands and code in the documentation: what stands in code blocks, fenced or indented, page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

FENCE = re.compile(r"^(```|~~~)")
COMMAND = re.compile(r"^(\$ )?(?P<command>(tinykd|pip install|make|python bench/\S+)( .*)?)$")


@dataclass(frozen=True)
class Command:
    """One line that a reader is told to type."""

    page: str
    line: int
    text: str


def pages() -> list[Path]:
    """Every Markdown file that a reader may see, but the changelog."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "models").rglob("*.md"))]
    return [path for path in found if path.is_file()]


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def code_lines(text: str) -> Iterator[tuple[int, str]]:
    """Line number (from 1) and text of every line in a code block, without indentation of the block."""
    fenced = False
    previous_blank, in_block = True, False
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif fenced:
            yield number, line
        else:
            indented = line.startswith("    ")
            in_block = indented and (previous_blank or in_block)
            if in_block:
                yield number, line[4:]
        previous_blank = not line.strip()


def commands(page: Path) -> list[Command]:
    """The page's commands, in order; lines that end in a backslash are joined with the next."""
    found: list[Command] = []
    continued: Command | None = None
    for number, line in code_lines(page.read_text(encoding="utf-8")):
        if continued is not None:
            whole = f"{continued.text} {line.strip()}"
        else:
            match = COMMAND.match(line)
            if match is None:
                continue
            whole = match["command"]
        start = continued.line if continued else number
        joined = Command(name_of(page), start, whole.removesuffix("\\").rstrip())
        if whole.endswith("\\"):
            continued = joined
        else:
            found.append(joined)
            continued = None
    return found


def every_command() -> list[Command]:
    """All commands of all pages."""
    return [command for page in pages() for command in commands(page)]
