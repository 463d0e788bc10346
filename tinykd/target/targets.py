"""What `--target` and `--board` accept: a core, or a board; and the machine that stands for it in an emulator."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from tinykd.errors import UsageError
from tinykd.target.board_files import board_names, is_board, load_board
from tinykd.target.boards import Bank, Board, Budget, Region
from tinykd.target.cores import CORES, Core


@dataclass(frozen=True)
class Target:
    """A core to compile for, and the board whose memories and emulator stand for it.

    Attributes:
        name: the core's, or the board's where one was named.
        board: what the firmware is linked for. None for the host, which has no memories to fit and needs no emulator.
        device: the board that was named, None where only a core was. `board` then is the machine that stands for it, with memories
            cut to the device's, and `on_device` gives the target of the device itself.
        folder: of a generated tree, where the program around the model lies.
    """

    name: str
    core: Core
    board: Board | None
    device: Board | None = None
    folder: str = "firmware"

    @property
    def ports(self) -> tuple[str, ...]:
        """The folders of `firmware/ports` that the firmware runs on."""
        return self.board.ports if self.board else ("host",)


MACHINES: dict[str, str] = {
    "cortex-m0plus": "mps2-an385-armv6m",
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
    "rv32imac": "virt-rv32",
    "rv32imc": "virt-rv32imc",
}
"""The machine that stands for a core."""

SEMIHOSTING: dict[str, tuple[str, ...]] = {
    "armv6m": ("bare", "semihosting", "cortex-m"),
    "thumb": ("bare", "semihosting", "cortex-m"),
    "rv32": ("bare", "semihosting", "rv32"),
}
"""What runs in an emulator, by instruction set."""

NAMES: dict[str, str] = {
    "cortex-m": "cortex-m4",
    **{name: name for name in CORES},
    **{name.removeprefix("cortex-"): name for name in CORES},
    "m0": "cortex-m0plus",
    "m0+": "cortex-m0plus",
    "cortex-m0": "cortex-m0plus",
    "cortex-m0+": "cortex-m0plus",
    "cortex-m4f": "cortex-m4",
    "riscv": "rv32imac",
    "riscv32": "rv32imac",
}
"""Every spelling of a core, with the core that it means. `cortex-m` means the M4."""


def find_target(name: str) -> Target:
    """The target that `name` means: a core in any of its spellings, a board, or the `.toml` file of a board.

    Raises:
        UsageError: nothing has that name, or the board's file is wrong.
    """
    core = NAMES.get(name.lower())
    if core == "host":
        return Target(core, CORES[core], None)
    if core is not None:
        return Target(core, CORES[core], emulated(load_board(MACHINES[core])))
    called = name if is_board(name) else name.lower()
    if not is_board(called):
        near = difflib.get_close_matches(name.lower(), (*NAMES, *board_names()), 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no target is called {name!r}", f"{guess}cores: cortex-m (= m4), {', '.join(CORES)}; boards: `tinykd boards`")
    device = load_board(called)
    return Target(device.name, CORES[device.core], emulated(device), device)


def emulated(board: Board) -> Board:
    """What stands for `board` in an emulator: its stand-in, with memories cut to the board's, or its own machine; and semihosting."""
    ports = SEMIHOSTING[CORES[board.core].instruction_set]
    if not board.stand_in:
        return replace(board, ports=ports, define={}, console=None)
    machine = load_board(board.stand_in)
    flash = Region(machine.flash.origin, min(board.flash.bytes, machine.flash.bytes))
    ram = Region(machine.ram.origin, min(board.ram.bytes, machine.ram.bytes))
    return replace(
        machine,
        name=board.name,
        flash=flash,
        ram=ram,
        banks=_placed(board, machine),
        budget=Budget(min(board.budget.flash_bytes, flash.bytes), min(board.budget.ram_bytes, ram.bytes)),
        ports=ports,
        define={},
        console=None,
        stand_in=machine.name,
    )


def _placed(board: Board, machine: Board) -> tuple[Bank, ...]:
    """The banks of `board` in the machine's RAM, one after the other behind the main one, a gap between any two. Those for which
    the machine has no room are left out."""
    placed, at, end = list[Bank](), machine.ram.origin + board.ram.bytes, machine.ram.origin + machine.ram.bytes
    for bank in board.banks:
        at += _GAP - at % _GAP
        if at + bank.bytes <= end:
            placed.append(replace(bank, origin=at))
            at += bank.bytes
    return tuple(placed)


_GAP = 1 << 16


def devices(target: Target) -> tuple[Target, ...]:
    """The target of the board itself, if one was named that has a port; else nothing."""
    return (on_device(target),) if target.device is not None and target.device.ports else ()


def on_device(target: Target) -> Target:
    """The target of the board itself: its own addresses, and the port that answers over its console.

    Raises:
        UsageError: no board was named, or tinykd has no port for it.
    """
    if target.device is None:
        raise UsageError(f"{target.name} is a core, not a board", "name a board: `tinykd boards` lists them")
    if not target.device.ports:
        raise UsageError(
            f"tinykd has no port for {target.name}: its export is a library, and its integers are proven on {target.device.stand_in}",
            "`tinykd boards` shows which boards have one",
        )
    return Target(target.name, target.core, target.device, target.device, "board")
