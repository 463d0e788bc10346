"""The firmware around a generated model: the main program and the ports of a target."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinykd.resources import firmware_folder
from tinykd.target.boards import Bank, Board, Console
from tinykd.target.targets import Target

HEADERS = ("include/tinykd/port.h", "include/tinykd/compiler.h")


def firmware_sources(target: Target, banks: Sequence[Bank] = ()) -> dict[str, str]:
    """Text by path in the generated tree: `main.c`, `startup.c`, `link.ld` in the target's folder, `include/tinykd/port.h`.

    Args:
        banks: more RAM, each as large as the arena may be there.

    Raises:
        ToolError: the installation is incomplete.
    """
    root = firmware_folder()
    files = {name: (root / name).read_text() for name in HEADERS}
    for folder in (root / "app", *(root / "ports" / port for port in target.ports)):
        files |= {f"{target.folder}/{path.name}": path.read_text() for path in sorted(folder.iterdir()) if path.is_file()}
    script = f"{target.folder}/link.ld"
    if script in files:
        files[script] = _with_banks(files[script], banks)
    if target.board is not None and target.board.console is not None:
        files[f"{target.folder}/board.h"] = _numbers(target.board, target.board.console)
    return files


def _numbers(board: Board, console: Console) -> str:
    """What ports have to know of a board, as macros."""
    numbers = {"CLOCK_HZ": board.clock_hz, "BAUD": console.baud, **board.define}
    lines = "".join(f"#define TINYKD_{name} {value:#x}u\n" for name, value in numbers.items())
    return f"""/* {board.title or board.name}: from its file among tinykd's boards. */
#ifndef TINYKD_BOARD_H
#define TINYKD_BOARD_H

{lines}
#endif
"""


def _with_banks(script: str, banks: Sequence[Bank]) -> str:
    """The linker script with a memory, a section and a row of the table of writable memory for each bank."""
    rows = {
        "/* banks */": [f"{b.name.upper()} (rw) : ORIGIN = {b.origin:#x}, LENGTH = {b.bytes}" for b in banks],
        "/* spans */": [f"LONG(ORIGIN({b.name.upper()})) LONG(ORIGIN({b.name.upper()}) + LENGTH({b.name.upper()}))" for b in banks],
        "/* sections */": [f".bank.{b.name} (NOLOAD) : ALIGN(16) {{ *(.bss.bank.{b.name}) }} > {b.name.upper()}" for b in banks],
    }
    for mark, lines in rows.items():
        indent = re.search(rf"^ *(?={re.escape(mark)})", script, re.MULTILINE)
        assert indent is not None
        script = script.replace(f"{indent[0]}{mark}\n", "".join(f"{indent[0]}{line}\n" for line in lines), 1)
    return script
