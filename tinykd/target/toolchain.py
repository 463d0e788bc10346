"""Compilers: GCC for Arm and RISC-V, clang through Zig's wheel, and the host's own."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tinykd.errors import ToolError
from tinykd.target.cores import Core
from tinykd.target.targets import Target

Command = tuple[str, ...]

INSTALL_GCC: dict[str, str] = {
    "arm-none-eabi-": "apt-get install gcc-arm-none-eabi",
    "riscv64-unknown-elf-": "apt-get install gcc-riscv64-unknown-elf",
}
"""What installs a cross compiler, by its prefix."""

PREFERENCES: dict[str, tuple[str, ...]] = {"auto": ("gcc", "zig"), "gcc": ("gcc",), "zig": ("zig",)}
"""Toolchains to look for, in order, by `--toolchain`."""

INSTALL_ZIG = "pip install ziglang"
INSTALL_CC = "apt-get install gcc libc6-dev"


class Toolchain(Protocol):
    """Turns C into an image. The methods return command lines; `build` runs them."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def compile(self, core: Core, source: str, output: Path, flags: Sequence[str]) -> Command:
        """Compile one file to an object; stack frames go to `output` with the suffix `.su`."""

    def runtime(self, core: Core) -> Path | None:
        """Where the compiler's helper functions are kept between builds, for toolchains that make them on demand."""

    def make_runtime(self, core: Core, output: Path) -> Command:
        """Make the archive of helper functions."""

    def link(self, core: Core, objects: Sequence[Path], script: Path | None, symbols: Mapping[str, int], output: Path) -> Command:
        """Link objects with a linker script and the numbers that it asks for."""


@dataclass(frozen=True)
class Gcc:
    """A bare-metal GCC without its C library."""

    executable: str
    version: str
    name: str = "gcc"

    def compile(self, core: Core, source: str, output: Path, flags: Sequence[str]) -> Command:
        return (self.executable, *core.gcc_flags, *flags, "-fstack-usage", "-c", source, "-o", str(output))

    def runtime(self, core: Core) -> Path | None:  # noqa: ARG002
        return None

    def make_runtime(self, core: Core, output: Path) -> Command:
        raise NotImplementedError("the compiler links its own helper functions")

    def link(self, core: Core, objects: Sequence[Path], script: Path | None, symbols: Mapping[str, int], output: Path) -> Command:
        numbers = (f"-Wl,--defsym={name}={value:#x}" for name, value in symbols.items())
        scripted = ("-T", str(script)) if script else ()
        options = ("-nostdlib", "-nostartfiles", "-Wl,--gc-sections", "-Wl,--build-id=none", *numbers, *scripted)
        return (self.executable, *core.gcc_flags, *options, *map(str, objects), "-lgcc", "-o", str(output))


@dataclass(frozen=True)
class ZigClang:
    """clang, lld and compiler-rt from the `ziglang` wheel: a complete embedded toolchain from PyPI."""

    executable: str
    version: str
    name: str = "zig"

    def compile(self, core: Core, source: str, output: Path, flags: Sequence[str]) -> Command:
        frames = ("-Xclang", "-stack-usage-file", "-Xclang", str(output.with_suffix(".su")))
        plain = ("-g0", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-fno-sanitize=all")
        return (
            self.executable,
            "cc",
            "-target",
            core.zig.target,
            f"-mcpu={core.zig.cpu}",
            *core.zig.flags,
            *flags,
            *plain,
            *frames,
            "-c",
            source,
            "-o",
            str(output),
        )

    def runtime(self, core: Core) -> Path | None:
        return cache_folder() / f"zig-{self.version}" / f"{core.zig.target}-{core.zig.cpu}" / "libruntime.a"

    def make_runtime(self, core: Core, output: Path) -> Command:
        library = Path(self.executable).resolve().parent / "lib" / "compiler_rt.zig"
        cache = ("--cache-dir", str(cache_folder() / "zig"))
        options = ("-O", "ReleaseSmall", "-fstrip", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables", *cache)
        return (
            self.executable,
            "build-lib",
            "-target",
            core.zig.target,
            f"-mcpu={core.zig.cpu}",
            *options,
            f"-femit-bin={output}",
            "--name",
            "runtime",
            str(library),
        )

    def _selects(self, core: Core) -> Command:
        return ("-target", core.zig.target, f"-mcpu={core.zig.cpu}")

    def link(self, core: Core, objects: Sequence[Path], script: Path | None, symbols: Mapping[str, int], output: Path) -> Command:
        numbers = (f"--defsym={name}={value:#x}" for name, value in symbols.items())
        scripted = ("-T", str(script)) if script else ()
        return (
            self.executable,
            "ld.lld",
            "--gc-sections",
            *numbers,
            *scripted,
            *map(str, objects),
            str(self.runtime(core)),
            "-o",
            str(output),
        )


@dataclass(frozen=True)
class HostCc:
    """A C compiler for the machine that tinykd runs on."""

    command: Command
    version: str
    name: str = "cc"

    def compile(self, core: Core, source: str, output: Path, flags: Sequence[str]) -> Command:  # noqa: ARG002
        return (*self.command, *flags, "-c", source, "-o", str(output))

    def runtime(self, core: Core) -> Path | None:  # noqa: ARG002
        return None

    def make_runtime(self, core: Core, output: Path) -> Command:
        raise NotImplementedError("the compiler links its own helper functions")

    def link(  # a program of this machine needs neither script nor numbers
        self,
        core: Core,  # noqa: ARG002
        objects: Sequence[Path],
        script: Path | None,  # noqa: ARG002
        symbols: Mapping[str, int],  # noqa: ARG002
        output: Path,
    ) -> Command:
        return (*self.command, *map(str, objects), "-o", str(output))


@functools.cache
def find_gcc(prefix: str = "arm-none-eabi-") -> Gcc | None:
    """The bare-metal GCC of the PATH whose name has this prefix, or None."""
    path = shutil.which(f"{prefix}gcc")
    version = _first_line(path, "-dumpfullversion") if path else None
    return Gcc(path, version) if path and version else None


@functools.cache
def find_zig() -> ZigClang | None:
    """Zig from its wheel, else from the PATH, or None."""
    path = shutil.which("zig")
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("zig", "zig.exe"):
            if (Path(folder) / name).is_file():
                path = str(Path(folder) / name)
    version = _first_line(path, "version") if path else None
    return ZigClang(path, version) if path and version else None


@functools.cache
def find_host_cc() -> HostCc | None:
    """The host's compiler: `cc`, `gcc` or `clang` of the PATH, else Zig's clang, or None."""
    for name in ("cc", "gcc", "clang"):
        path = shutil.which(name)
        version = _first_line(path, "-dumpversion") if path else None
        if path and version:
            return HostCc((path,), version)
    zig = find_zig()
    return HostCc((zig.executable, "cc", "-fno-sanitize=all"), f"zig {zig.version}") if zig else None


def find_toolchain(target: Target, preference: str = "auto") -> Toolchain:
    """A toolchain that builds for `target`.

    Args:
        preference: `gcc`, `zig`, or `auto` for the first of these that is installed. The host has only its own compiler.

    Raises:
        ToolError: what is asked for is not installed; the hint says which command installs it.
    """
    if target.board is None:
        found: Toolchain | None = find_host_cc()
        if found is None:
            raise ToolError("no C compiler for this machine was found", f"install one: {INSTALL_CC}, or: {INSTALL_ZIG}")
        return found
    if preference not in PREFERENCES:
        raise ToolError(f"no toolchain is called {preference!r}", f"toolchains: {', '.join(PREFERENCES)}")
    for name in PREFERENCES[preference]:
        found = find_gcc(target.core.gcc) if name == "gcc" else find_zig()
        if found is not None:
            return found
    install = INSTALL_GCC[target.core.gcc] if preference == "gcc" else f"{sys.executable} -m {INSTALL_ZIG}"
    raise ToolError(f"no toolchain for {target.name} was found ({preference})", f"install one: {install}")


def cache_folder() -> Path:
    """A folder that outlives a build, for what compilers may reuse."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "tinykd"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"tinykd-{user}"


def _first_line(path: str, argument: str) -> str | None:
    """What the program prints when asked for its version, or None if it cannot run."""
    try:
        outcome = subprocess.run((path, argument), capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return outcome.stdout.strip().split("\n")[0] or None
