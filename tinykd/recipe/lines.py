"""Where each key of a TOML text stands, which the standard parser does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]

BARE_OR_QUOTED = re.compile(r"""\s*(?:([A-Za-z0-9_-]+)|"((?:[^"\\]|\\.)*)"|'([^']*)')\s*""")
#: One string, comment or bracket of a value; triple quotes first, as `""` opens them.
TOKEN = re.compile(
    r'"""(?:[^\\]|\\.)*?"""' + r"|'''.*?'''" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'" + r"|\#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """Line number (from 1) of each table header and key, by path; elements of an array of tables count from 0.

    Keys inside an inline table stand where the table does and are not listed: ask for their longest listed prefix.

    Args:
        text: TOML that the standard parser accepts.
    """
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    for line, statement in _statements(text):
        if statement.startswith("["):
            repeated = statement.startswith("[[")
            keys = _key(statement.lstrip("["))
            # A header below an array of tables speaks of that array's last element.
            table = _inside(keys[:-1] if repeated else keys, counts)
            if repeated:
                array = (*table, keys[-1])
                counts[array] = counts.get(array, -1) + 1
                table = (*array, counts[array])
            written = table
        else:
            written = (*table, *_key(statement))
        for length in range(1, len(written) + 1):
            lines.setdefault(written[:length], line)  # [a.b] also is where a begins, if nothing spoke of it before
    return lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of `path` or of the nearest table or key around it; None if nothing of it is in the text."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Line number and beginning of each header and of each key; what a value holds is passed over."""
    depth, position, line, start = 0, 0, 1, 0
    opened = False  # a statement has begun on an earlier line and its brackets are still open
    for token in TOKEN.finditer(text):
        if token.start() < position:
            continue
        position = token.end()
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        elif token[0] == "\n" and depth > 0:
            if not opened:
                yield from _begun(line, text[start : token.start()])
                opened = True
            line += 1
        elif token[0] == "\n":
            if not opened:
                yield from _begun(line, text[start : token.start()])
            opened, line, start = False, line + 1, position
        elif "\n" in token[0]:
            if not opened:
                yield from _begun(line, text[start : token.start()])
                opened = True
            line += token[0].count("\n")
    if not opened:
        yield from _begun(line, text[start:])


def _begun(line: int, statement: str) -> Iterator[tuple[int, str]]:
    stripped = statement.strip()
    if stripped and not stripped.startswith("#"):
        yield line, stripped


def _key(text: str) -> tuple[str, ...]:
    """The parts of the dotted key that `text` begins with."""
    parts: list[str] = []
    position = 0
    while match := BARE_OR_QUOTED.match(text, position):
        parts.append(next(group for group in match.groups() if group is not None))
        position = match.end()
        if text[position : position + 1] != ".":
            break
        position += 1
    return tuple(parts)


def _inside(keys: tuple[str, ...], counts: dict[Path, int]) -> Path:
    path: Path = ()
    for key in keys:
        path = (*path, key)
        if path in counts:
            path = (*path, counts[path])
    return path
