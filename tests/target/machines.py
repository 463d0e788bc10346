"""The toolchains and emulators that this machine has, as test parameters. A missing one fails its tests unless it may be missing."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from tests.target.fake_model import MODEL, write_fake_model
from tinykd.errors import ToolError
from tinykd.target.build import Image, build
from tinykd.target.cores import CORES
from tinykd.target.emulator.emulator import Emulator
from tinykd.target.emulator.find import find_emulator
from tinykd.target.emulator.qemu import find_qemu
from tinykd.target.emulator.unicorn import find_unicorn
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_gcc, find_toolchain, find_zig

STRICT = ("-Wconversion", "-Wshadow", "-pedantic", "-Werror")

needs_gcc = pytest.mark.skipif(find_gcc() is None, reason="arm-none-eabi-gcc is not installed")
needs_qemu = pytest.mark.skipif(find_qemu() is None, reason="qemu-system-arm is not installed")

needs_riscv_gcc = pytest.mark.skipif(find_gcc("riscv64-unknown-elf-") is None, reason="riscv64-unknown-elf-gcc is not installed")
needs_riscv_qemu = pytest.mark.skipif(find_qemu("qemu-system-riscv32") is None, reason="qemu-system-riscv32 is not installed")
needs_zig = pytest.mark.skipif(find_zig() is None, reason="ziglang is not installed")

TOOLCHAINS = [
    pytest.param("zig", marks=needs_zig),
    pytest.param("gcc", marks=needs_gcc),
]
RISCV_TOOLCHAINS = [pytest.param("zig", marks=needs_zig), pytest.param("gcc", marks=needs_riscv_gcc)]
CORES_AND_TOOLCHAINS = [
    pytest.param(core.name, name, marks=mark)
    for core in CORES.values()
    if core.name != "host"
    for name, mark in (("zig", needs_zig), ("gcc", needs_riscv_gcc if core.instruction_set == "rv32" else needs_gcc))
]
EMULATORS = [
    pytest.param("unicorn", marks=pytest.mark.skipif(find_unicorn() is None, reason="unicorn is not installed")),
    pytest.param("qemu", marks=needs_qemu),
]


@functools.cache
def fake_image(folder: Path, target: str, toolchain: str, model: str = MODEL, trace: bool = False) -> Image:
    """The fake model (or another body for it) built for a target, once for each folder."""
    row = find_target(target)
    tree = folder / f"{target}-{toolchain}-{abs(hash(model))}"
    write_fake_model(tree, row, model)
    return build(tree, row, find_toolchain(row, toolchain), trace=trace, flags=STRICT)


def emulator(target: str, name: str) -> Emulator:
    return find_emulator(find_target(target), name)


def installed(target: str, name: str) -> bool:
    """Whether the emulator is here and has the target's core."""
    try:
        return emulator(target, name) is not None
    except ToolError:
        return False
