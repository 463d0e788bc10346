"""Boards as TOML files: found by name or by path, read and checked."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tinykd.errors import UsageError
from tinykd.recipe import lines
from tinykd.recipe.parse import parse
from tinykd.resources import firmware_folder
from tinykd.target.boards import FOLDER, Bank, Board
from tinykd.target.cores import CORES

SUFFIX = ".toml"
RESERVED_BANKS = ("ram", "flash", "a", "arena", "input", "output")
"""Names that mean something else in the generated C or in `--arena`."""


def board_names() -> tuple[str, ...]:
    """Every board that tinykd brings, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}")))


def is_file(name: str) -> bool:
    """Whether `name` means the file of a board of the user's own."""
    return name.endswith(SUFFIX)


def is_board(name: str) -> bool:
    """Whether `name` can only mean a board: one of ours, or a file."""
    return is_file(name) or name in board_names()


def load_board(name: str) -> Board:
    """The board called `name`, or of the file at `name` if that ends in `.toml`.

    Raises:
        UsageError: there is no such board, or its file is wrong; with file, line and key.
    """
    return read_board(board_path(name))


def board_path(name: str) -> Path:
    """The file of the board called `name`, or `name` itself if that ends in `.toml`.

    Raises:
        UsageError: there is no such board.
    """
    if is_file(name):
        return Path(name)
    if name not in board_names():
        near = difflib.get_close_matches(name.lower(), board_names(), 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no board is called {name!r}", f"{guess}`tinykd boards` lists them; a board of your own is a .toml file")
    return FOLDER / f"{name}{SUFFIX}"


def read_board(path: Path) -> Board:
    """The board of one file.

    Raises:
        UsageError: the file cannot be read or is wrong; with file, line and key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror if isinstance(error, OSError) else "not UTF-8 text") or str(error)
        raise UsageError(f"cannot read the board {path}: {why}", "name a board of `tinykd boards`, or a readable .toml file") from error
    values = parse(text, str(path))
    stands = lines.key_lines(text)

    def place(key: lines.Path) -> str:
        line = lines.line_of(stands, key)
        return f"{path}:{line}: {'.'.join(map(str, key))}" if line is not None else f"{path}: {'.'.join(map(str, key))}"

    memories = {f"{memory}_bytes": _bytes(values.get(memory)) for memory in ("flash", "ram")}
    given = {"name": path.stem, **values}
    if "budget" not in values and None not in memories.values():
        given["budget"] = memories
    try:
        board = TypeAdapter(Board).validate_python(given)
    except ValidationError as error:
        raise UsageError(*_told(error, place)) from None
    problems = [f"{place(key)}: {problem}" for key, problem in _problems(board)]
    if problems:
        raise UsageError("\n".join(problems[:5]), "`tinykd boards nucleo-f446re --toml` prints a board to start from")
    return board


def _bytes(region: object) -> object:
    return region.get("bytes") if isinstance(region, dict) else None


def _told(error: ValidationError, place: Callable[[lines.Path], str]) -> tuple[str, str]:
    """What pydantic found, a line each, and a hint."""
    told = [(tuple(detail["loc"]), detail) for detail in error.errors(include_url=False)]
    said = [f"{place(key)}: {_said(detail)}" for key, detail in told]
    hints = [_valid_keys(key) for key, detail in told if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument")]
    return "\n".join(said[:5]), next(filter(None, hints), "`tinykd boards nucleo-f446re --toml` prints a board to start from")


def _said(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return "unknown key"
    if kind == "missing":
        return "missing"
    message = detail["msg"]
    return f"{detail['input']!r}: {message[0].lower()}{message[1:]}"


def _valid_keys(key: Sequence[str | int]) -> str:
    """The keys that the table around `key` may hold, the nearest first."""
    table: Any = Board
    for step in key[:-1]:
        if isinstance(step, str):
            table = _table(get_type_hints(table).get(step))
    names = [field.name for field in dataclasses.fields(table)] if dataclasses.is_dataclass(table) else []
    near = difflib.get_close_matches(str(key[-1]), names, 1, cutoff=0.5)
    return (f"did you mean {near[0]}? " if near else "") + (f"valid here: {', '.join(names)}" if names else "")


def _table(annotation: Any) -> Any:
    """The table type in `X`, `X | None` or `tuple[X, ...]`."""
    if dataclasses.is_dataclass(annotation):
        return annotation
    return next((found for member in get_args(annotation) if (found := _table(member)) is not None), None)


def _problems(board: Board) -> list[tuple[lines.Path, str]]:
    """What is wrong with values that are each of the right type."""
    found: list[tuple[lines.Path, str]] = []
    if board.core not in CORES or board.core == "host":
        found.append((("core",), f"no core is called {board.core!r}; cores: {', '.join(name for name in CORES if name != 'host')}"))
    regions = [Bank("flash", board.flash.origin, board.flash.bytes), Bank("ram", board.ram.origin, board.ram.bytes), *board.banks]
    for k, one in enumerate(regions):
        key: lines.Path = (one.name,) if k < 2 else ("banks", k - 2)
        if one.origin + one.bytes > 1 << 32:
            found.append((key, "ends beyond the address space"))
        for other in regions[:k]:
            if one.origin < other.origin + other.bytes and other.origin < one.origin + one.bytes:
                found.append((key, f"overlaps {other.name}"))
    names = [bank.name for bank in board.banks]
    for k, name in enumerate(names):
        if name in RESERVED_BANKS or name in names[:k]:
            found.append((("banks", k, "name"), f"{name!r} is taken"))
    for memory, most in (("flash", board.flash.bytes), ("ram", board.ram.bytes)):
        wanted = getattr(board.budget, f"{memory}_bytes")
        if wanted > most:
            found.append((("budget", f"{memory}_bytes"), f"{wanted} bytes, more than the {most} of {memory}"))
    if board.qemu is None and not board.stand_in:
        found.append((("stand_in",), "missing: name the machine that runs this board's images, as `tinykd boards` lists it"))
    found += _problems_of_stand_in(board)
    ports = sorted(folder.name for folder in (firmware_folder() / "ports").iterdir() if folder.is_dir())
    for k, port in enumerate(board.ports):
        if port not in ports:
            found.append((("ports", k), f"no port is called {port!r}; ports: {', '.join(ports)}"))
    if board.ports and board.console is None:
        found.append((("console",), "missing: the port answers over a serial line"))
    return found


def _problems_of_stand_in(board: Board) -> list[tuple[lines.Path, str]]:
    if not board.stand_in:
        return []
    if board.stand_in not in board_names():
        return [(("stand_in",), f"no board is called {board.stand_in!r}")]
    machine = read_board(FOLDER / f"{board.stand_in}{SUFFIX}")
    if machine.qemu is None or machine.stand_in or machine.core != board.core:
        return [(("stand_in",), f"{machine.name} is no machine of QEMU with a {board.core}")]
    return []
