"""What `--target` accepts: cores, the flags that compile for them, and the board that stands for each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from tinykd.errors import UsageError
from tinykd.target.boards import Board, load_board


@dataclass(frozen=True)
class Zig:
    """How `zig` is told which core.

    Attributes:
        target: triple.
        cpu: processor and its features, for `-mcpu`.
        flags: flags of its C compiler.
    """

    target: str
    cpu: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        name: Arm's name in lower case, or the RISC-V instruction set's.
        instruction_set: key of `instruction_set.INSTRUCTION_SETS`; empty for the host.
        gcc: what precedes `gcc` in the name of its cross compiler.
        gcc_flags: flags that select it in GCC.
        zig: triple, processor and flags that select it in `zig cc`.
        unicorn: the model's name in unicorn (`UC_CPU_ARM_...`); empty if unicorn has none.
        hard_float: floating-point arguments travel in registers, so the unit must be on.
        exception_frame_bytes: what the core itself pushes on an interrupt, at most, with alignment.
    """

    name: str
    instruction_set: str
    gcc: str
    gcc_flags: tuple[str, ...]
    zig: Zig
    unicorn: str
    hard_float: bool
    exception_frame_bytes: int


_ALIGNED = "-mno-unaligned-access"
"""No core may access a word that is not aligned, though most could: what holds on one must hold on all."""

_BARE = ("-ffreestanding", "-fbuiltin")
"""For a GCC that came without a C library: its own <stdint.h>, and still memcpy as an instruction."""

_NO_TABLES = "-fno-jump-tables"
"""On RISC-V a switch by table is a jump that looks like any computed one, and leaves the stack without a bound."""

_ARM = "arm-none-eabi-"
_THUMB = "thumb-freestanding-eabi"
_THUMBHF = "thumb-freestanding-eabihf"
_BASIC_FRAME = 8 * 4 + 4
_EXTENDED_FRAME = 26 * 4 + 4


def _soft(cpu: str) -> tuple[str, ...]:
    return ("-mthumb", f"-mcpu={cpu}", "-mfloat-abi=soft", _ALIGNED)


def _hard(cpu: str, fpu: str) -> tuple[str, ...]:
    return ("-mthumb", f"-mcpu={cpu}", "-mfloat-abi=hard", f"-mfpu={fpu}", _ALIGNED)


CORES: dict[str, Core] = {
    core.name: core
    for core in (
        Core(
            "cortex-m0plus", "armv6m", _ARM, _soft("cortex-m0plus"),
            Zig(_THUMB, "cortex_m0plus+strict_align"), "CORTEX_M0", False, _BASIC_FRAME,
        ),
        Core(
            "cortex-m3", "thumb", _ARM, _soft("cortex-m3"),
            Zig(_THUMB, "cortex_m3+strict_align"), "CORTEX_M3", False, _BASIC_FRAME,
        ),
        Core(
            "cortex-m4", "thumb", _ARM, _hard("cortex-m4", "fpv4-sp-d16"),
            Zig(_THUMBHF, "cortex_m4+vfp4d16sp+strict_align"), "CORTEX_M4", True, _EXTENDED_FRAME,
        ),
        Core(
            "cortex-m7", "thumb", _ARM, _hard("cortex-m7", "fpv5-sp-d16"),
            Zig(_THUMBHF, "cortex_m7+fp_armv8d16sp+strict_align"), "CORTEX_M7", True, _EXTENDED_FRAME,
        ),
        Core(
            "cortex-m33", "thumb", _ARM, _hard("cortex-m33", "fpv5-sp-d16"),
            Zig(_THUMBHF, "cortex_m33+dsp+fp_armv8d16sp+strict_align"), "CORTEX_M33", True, _EXTENDED_FRAME,
        ),
        Core(
            "cortex-m55", "thumb", _ARM, _hard("cortex-m55", "auto"),
            Zig(_THUMBHF, "cortex_m55+mve_fp+fp_armv8d16+fullfp16+strict_align"), "", True, _EXTENDED_FRAME,
        ),
        Core(
            "rv32imac", "rv32", "riscv64-unknown-elf-", ("-march=rv32imac", "-mabi=ilp32", "-mcmodel=medany", _NO_TABLES, *_BARE),
            Zig("riscv32-freestanding-none", "generic_rv32+m+a+c", ("-mcmodel=medany", _NO_TABLES)), "", False, 0,
        ),
        Core("host", "", "", (), Zig("", ""), "", False, 0),
    )
}  # fmt: skip
"""Every core by name."""


@dataclass(frozen=True)
class Target:
    """A core to compile for, and the board whose memories and emulator stand for it.

    Attributes:
        name: the core's, or the board's where it is not the one that usually stands for the core.
        board: None for the host, which has no memories to fit and needs no emulator.
    """

    name: str
    core: Core
    board: Board | None

    @property
    def ports(self) -> tuple[str, ...]:
        """The folders of `firmware/ports` that the firmware runs on."""
        return self.board.ports if self.board else ("host",)


BOARDS: dict[str, str] = {
    "cortex-m0plus": "mps2-an385-armv6m",
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
    "rv32imac": "virt-rv32",
}
"""The board that stands for a core."""

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
    "microbit": "microbit",
}
"""Every spelling that `--target` accepts, with the core or the board that it means. `cortex-m` means the M4."""


def find_target(name: str) -> Target:
    """The target that `name` means, in any of its spellings.

    Raises:
        UsageError: no target has that name.
    """
    meant = NAMES.get(name.lower())
    if meant is None:
        near = difflib.get_close_matches(name.lower(), NAMES, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(f"no target is called {name!r}", f"{guess}targets: cortex-m (= m4), {', '.join(CORES)}, microbit")
    if meant == "host":
        return Target(meant, CORES[meant], None)
    board = load_board(BOARDS.get(meant, meant))
    return Target(meant, CORES[board.core], board)
