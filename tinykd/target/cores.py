"""Processor cores, and the flags that compile for them."""

from __future__ import annotations

from dataclasses import dataclass


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
        Core(
            "rv32imc", "rv32", "riscv64-unknown-elf-", ("-march=rv32imc", "-mabi=ilp32", "-mcmodel=medany", _NO_TABLES, *_BARE),
            Zig("riscv32-freestanding-none", "generic_rv32+m+c", ("-mcmodel=medany", _NO_TABLES)), "", False, 0,
        ),
        Core("host", "", "", (), Zig("", ""), "", False, 0),
    )
}  # fmt: skip
"""Every core by name."""
