"""Boards as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from tinykd.sizes import exact_size
from tinykd.target.boards import Bank, Board

_HEAD = ("board", "core", "clock", "flash", "RAM", "more RAM", "firmware", "flashed by")


def boards_text(boards: Sequence[Board]) -> str:
    """A line for each board, real ones first, then machines of QEMU alone."""
    real = [board for board in boards if not board.is_machine]
    machines = [board for board in boards if board.is_machine]
    rows = [_HEAD, *map(_row, real)]
    text = _table(rows)
    if machines:
        text += "\nmachines of QEMU\n" + _table([_row(board) for board in machines], _widths([_HEAD, *map(_row, boards)]))
    return text + "\n`tinykd boards NAME` shows one; firmware: what answers over its console (a dash: the export is a library).\n"


def board_text(board: Board) -> str:
    """Everything about one board."""
    memories = [Bank("flash", board.flash.origin, board.flash.bytes), Bank("ram", board.ram.origin, board.ram.bytes), *board.banks]
    lines = [f"{board.name}: {board.title}" if board.title else board.name]
    lines += [f"  chip      {board.chip}"] if board.chip else []
    lines += [f"  core      {board.core}" + (f", {_clock(board)}" if board.clock_hz else "")]
    lines += [f"  {one.name:<9} {one.origin:#010x} to {one.origin + one.bytes - 1:#010x}, {exact_size(one.bytes)}" for one in memories]
    lines += [f"  budget    flash {exact_size(board.budget.flash_bytes)}, RAM {exact_size(board.budget.ram_bytes)}"]
    if board.console is not None:
        console = board.console
        lines += [f"  console   {console.uart}, TX {console.tx}, RX {console.rx}, {console.baud} baud; {console.via}".rstrip("; ")]
    lines += [f"  firmware  {_firmware(board)}"]
    machine = board.stand_in or (f"{board.qemu.program} -M {board.qemu.machine}" if board.qemu else "")
    lines += [f"  proven on {machine}" + (" (stand-in of the same core, memories cut to size)" if board.stand_in else "")]
    flashing = TypeAdapter(type(board.flashing)).dump_python(board.flashing)
    for method in board.flashing.methods:
        values = ", ".join(f"{key} {_shown(value)}" for key, value in flashing[method].items() if value not in ("", ()))
        lines += [f"  flash by  {method.replace('_', '-')}: {values}"]
    lines += [f"  source    {source}" for source in board.sources]
    return "\n".join(lines) + "\n"


def described(board: Board) -> dict[str, Any]:
    """The board's file with every default, for JSON."""
    values: dict[str, Any] = TypeAdapter(Board).dump_python(board, mode="json")
    return {**values, "methods": list(board.flashing.methods)}


def _row(board: Board) -> tuple[str, ...]:
    more = sum(bank.bytes for bank in board.banks)
    return (
        board.name,
        board.core,
        _clock(board) if board.clock_hz else "-",
        exact_size(board.flash.bytes),
        exact_size(board.ram.bytes),
        exact_size(more) if more else "-",
        board.ports[-1] if board.ports else "-",
        ", ".join(method.replace("_", "-") for method in board.flashing.methods) or "-",
    )


def _table(rows: Sequence[Sequence[str]], widths: Sequence[int] | None = None) -> str:
    wide = widths or _widths(rows)
    return "".join("  ".join(f"{cell:<{width}}" for cell, width in zip(row, wide)).rstrip() + "\n" for row in rows)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]


def _clock(board: Board) -> str:
    return f"{board.clock_hz / 1e6:g} MHz"


def _firmware(board: Board) -> str:
    if not board.ports:
        return "none: link the exported library into a program of your own"
    return f"port {board.ports[-1]}, in board/ of the export"


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value:#x}" if isinstance(value, int) else str(value)
