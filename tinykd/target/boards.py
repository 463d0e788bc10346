"""Boards and machines: which core, which memories, what runs on them, which emulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from fractions import Fraction
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from tinykd.target.flashing import STRICT, Address, Flashing

FOLDER = Path(__file__).resolve().parent / "boards"
"""The boards that tinykd brings, a TOML file each."""

Bytes = Annotated[int, Field(strict=True, gt=0, le=1 << 32)]
Hertz = Annotated[int, Field(strict=True, gt=0)]
Macro = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,40}$")]


@dataclass(frozen=True, config=STRICT)
class Region:
    """A bank of memory: first address and length in bytes."""

    origin: Address
    bytes: Bytes


@dataclass(frozen=True, config=STRICT)
class Bank:
    """A bank of RAM beside the one that holds stack and data: parts of the arena may lie there.

    Attributes:
        name: a C identifier in lower case, as the chip's manual calls it: `ccm`, `dtcm`, `sram2`.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
    origin: Address
    bytes: Bytes


@dataclass(frozen=True, config=STRICT)
class Budget:
    """How much of each memory an image may take, in bytes."""

    flash_bytes: Bytes
    ram_bytes: Bytes


@dataclass(frozen=True, config=STRICT)
class QemuMachine:
    """A machine of QEMU.

    Attributes:
        program: the QEMU that has it.
        machine: its name for `-M`.
        tick_hz: the clock behind the port's ticks; with `-icount shift=0` one instruction takes 1 ns.
        options: more arguments.
        serial: the number of the `-serial` option at which the board's console appears.
    """

    program: str
    machine: str
    tick_hz: Hertz
    options: tuple[str, ...] = ()
    serial: Annotated[int, Field(strict=True, ge=0, le=9)] = 0

    @property
    def instructions_per_tick(self) -> float:
        """Instructions that one tick of the port stands for under `-icount shift=0`."""
        return 1e9 / self.tick_hz

    @property
    def tick(self) -> Fraction:
        """The same, exactly: its numerator says how many readings of the clock meet every phase of a tick."""
        return Fraction(10**9, self.tick_hz)


@dataclass(frozen=True, config=STRICT)
class Console:
    """The serial line that answers frames.

    Attributes:
        uart: the peripheral, as the chip's manual calls it.
        tx, rx: the pins, as the board's manual calls them.
        baud: bits a second; 8 data bits, no parity, one stop bit.
        via: how it reaches a computer.
    """

    uart: str
    tx: str
    rx: str
    baud: Annotated[int, Field(strict=True, ge=300, le=4_000_000)] = 115_200
    via: str = ""


@dataclass(frozen=True, config=STRICT)
class Board:
    """A board or emulated machine.

    Attributes:
        name: the stem of its file.
        core: a key of `targets.CORES`.
        flash, ram: the memories that an image may use: what a bootloader takes is left out.
        budget: the default budget, at most the memories; all of them if the file says nothing.
        title: the board's full name.
        chip: the microcontroller's order code.
        clock_hz: of the core, as the port sets it or, without a port, at most; 0 for an emulator.
        sources: the documents that the figures are from.
        banks: more RAM.
        ports: folders of `firmware/ports` that make up what runs on the board itself, over its console; empty if there are none.
        define: numbers for the port, macros without their prefix `TINYKD_`.
        console: the serial line.
        flashing: the methods that flash it.
        qemu: the machine of QEMU that starts what runs on the board itself: it models this very board, or one whose chip has the
            same peripherals.
        stand_in: the board whose machine proves the integers, where there is no such machine or it lacks a part: same core,
            memories cut to size.
    """

    name: str
    core: str
    flash: Region
    ram: Region
    budget: Budget
    title: str = ""
    chip: str = ""
    clock_hz: Annotated[int, Field(strict=True, ge=0)] = 0
    sources: tuple[str, ...] = ()
    banks: tuple[Bank, ...] = ()
    ports: tuple[str, ...] = ()
    define: Mapping[Macro, Address] = field(default_factory=dict)
    console: Console | None = None
    flashing: Flashing = Flashing()
    qemu: QemuMachine | None = None
    stand_in: str = ""

    @property
    def is_machine(self) -> bool:
        """Nothing but a machine of QEMU: no hardware to flash."""
        return not self.flashing.methods and self.qemu is not None
