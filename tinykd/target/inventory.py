"""What is installed here of what tinykd can use."""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass

from tinykd.target import toolchain
from tinykd.target.emulator import qemu, unicorn

PACKAGES: dict[str, tuple[str, str]] = {
    "ai-edge-litert": ("LiteRT's reference kernels, the judge of `verify`", "ai-edge-litert"),
    "tflite-runtime": ("the same kernels, where ai-edge-litert has no wheel", "tflite-runtime"),
    "tensorflow": ("`distill`", "tensorflow"),
    "keras": ("`distill`", "keras"),
    "tf-keras": ("`distill`: the tfmot engine, legacy teachers", "tf-keras"),
    "tensorflow-model-optimization": ("`distill`: the tfmot engine", "tensorflow-model-optimization"),
    "scikit-learn": ("`distill`: the bundled digits", "scikit-learn"),
    "pyserial": ("`verify --port`: a board at a serial port", "pyserial"),
    "pyocd": ("`flash`: debug probes", "pyocd"),
    "cryptography": ("`manifest sign` and `verify --key`", "cryptography"),
    "tflite-micro": ("`export`: the arena that TFLite Micro needs", "tflite-micro"),
}
"""Optional Python distributions: what for, and what to ask pip for."""


@dataclass(frozen=True)
class Finding:
    """One thing that may be installed.

    Attributes:
        kind: `toolchain`, `emulator` or `package`.
        version: None if it is missing.
        purpose: what it is for.
        install: the one command that installs it.
    """

    name: str
    kind: str
    version: str | None
    purpose: str
    install: str


@dataclass(frozen=True)
class Inventory:
    """Everything looked for, in the order of `export` and `verify`, then `distill`."""

    findings: tuple[Finding, ...]

    def has(self, name: str) -> bool:
        return any(f.name == name and f.version is not None for f in self.findings)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What still keeps `export` and `verify` from working, as commands that would mend it. Empty: they work."""
        needs = (
            (("arm-none-eabi-gcc", "ziglang"), "ziglang"),
            (("qemu-system-arm", "unicorn"), "unicorn"),
            (("ai-edge-litert", "tflite-runtime"), "ai-edge-litert"),
        )
        missing = [package for names, package in needs if not any(map(self.has, names))]
        return (f"pip install {' '.join(missing)}",) if missing else ()


def take_inventory() -> Inventory:
    """Look for toolchains, emulators and packages. Runs each program once for its version; imports none of the packages."""
    gcc, zig, host = toolchain.find_gcc(), toolchain.find_zig(), toolchain.find_host_cc()
    machines, light = qemu.find_qemu(), unicorn.find_unicorn()
    riscv, riscv_machines = toolchain.find_gcc("riscv64-unknown-elf-"), qemu.find_qemu("qemu-system-riscv32")
    install_gcc, install_qemu = toolchain.INSTALL_GCC["arm-none-eabi-"], qemu.INSTALL["qemu-system-arm"]
    install_riscv, install_riscv_qemu = toolchain.INSTALL_GCC["riscv64-unknown-elf-"], qemu.INSTALL["qemu-system-riscv32"]
    riscv_version, riscv_qemu_version = riscv.version if riscv else None, riscv_machines.version if riscv_machines else None
    programs = (
        Finding("arm-none-eabi-gcc", "toolchain", gcc.version if gcc else None, "builds for Cortex-M", _system(install_gcc)),
        Finding(
            "ziglang", "toolchain", zig.version if zig else None, "builds for every core: clang from PyPI, no root", toolchain.INSTALL_ZIG
        ),
        Finding("riscv64-unknown-elf-gcc", "toolchain", riscv_version, "builds for RISC-V", _system(install_riscv)),
        Finding("cc", "toolchain", host.version if host else None, "builds for the host", _system(toolchain.INSTALL_CC)),
        Finding("qemu-system-arm", "emulator", machines.version if machines else None, "runs every Cortex-M", _system(install_qemu)),
        Finding("qemu-system-riscv32", "emulator", riscv_qemu_version, "runs RISC-V", _system(install_riscv_qemu)),
        Finding("unicorn", "emulator", light.version if light else None, "runs Cortex-M but M55: from PyPI, no root", unicorn.INSTALL),
    )
    packages = (Finding(name, "package", _version(name), purpose, f"pip install {wanted}") for name, (purpose, wanted) in PACKAGES.items())
    return Inventory((*programs, *packages))


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _system(command: str) -> str:
    """A command of the system's package manager as this user has to type it."""
    root = not hasattr(os, "geteuid") or os.geteuid() == 0
    return command if root else f"sudo {command}"
