"""Boards and machines: which core, which memories, which emulator."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tinykd.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = Path(__file__).resolve().parent / "boards"


@dataclass(frozen=True)
class Region:
    """A bank of memory: first address and length in bytes."""

    origin: int
    bytes: int


@dataclass(frozen=True)
class Bank:
    """A bank of RAM beside the one that holds stack and data: parts of the arena may lie there.

    Attributes:
        name: a C identifier in lower case, as the chip's manual calls it: `ccm`, `dtcm`, `sram2`.
    """

    name: str
    origin: int
    bytes: int


@dataclass(frozen=True)
class Budget:
    """How much of each memory an image may take, in bytes."""

    flash_bytes: int
    ram_bytes: int


@dataclass(frozen=True)
class QemuMachine:
    """A machine of QEMU.

    Attributes:
        program: the QEMU that has it.
        machine: its name for `-M`.
        tick_hz: the clock behind the port's ticks; with `-icount shift=0` one instruction takes 1 ns.
        options: more arguments.
    """

    program: str
    machine: str
    tick_hz: int
    options: tuple[str, ...] = ()

    @property
    def instructions_per_tick(self) -> float:
        """Instructions that one tick of the port stands for under `-icount shift=0`."""
        return 1e9 / self.tick_hz

    @property
    def tick(self) -> Fraction:
        """The same, exactly: its numerator says how many readings of the clock meet every phase of a tick."""
        return Fraction(10**9, self.tick_hz)


@dataclass(frozen=True)
class Board:
    """A board or emulated machine.

    Attributes:
        name: the stem of its file in `boards/`.
        core: a key of `targets.CORES`.
        ports: folders of `firmware/ports` that make up what it runs.
        flash, ram: the physical memories.
        budget: the default budget, at most the memories.
        qemu: the machine that emulates it, if any.
        banks: more RAM.
    """

    name: str
    core: str
    ports: tuple[str, ...]
    flash: Region
    ram: Region
    budget: Budget
    qemu: QemuMachine | None = None
    banks: tuple[Bank, ...] = ()


def board_names() -> tuple[str, ...]:
    """Every board with a file, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load_board(name: str) -> Board:
    """The board called `name`.

    Raises:
        UsageError: there is no such board.
    """
    path = FOLDER / f"{name}.toml"
    if name not in board_names():
        raise UsageError(f"no board is called {name!r}", f"boards: {', '.join(board_names())}")
    table: dict[str, Any] = tomllib.loads(path.read_text())
    qemu = table.pop("qemu", None)
    return Board(
        name=name,
        core=table.pop("core"),
        ports=tuple(table.pop("ports")),
        flash=Region(**table.pop("flash")),
        ram=Region(**table.pop("ram")),
        budget=Budget(**table.pop("budget")),
        qemu=QemuMachine(**{**qemu, "options": tuple(qemu.get("options", ()))}) if qemu else None,
        banks=tuple(Bank(**bank) for bank in table.pop("banks", ())),
    )
