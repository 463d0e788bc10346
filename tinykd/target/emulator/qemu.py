"""QEMU's bare-metal machines, with instructions counted by `-icount shift=0`."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tinykd.errors import ToolError
from tinykd.target.boards import QemuMachine
from tinykd.target.build import Image
from tinykd.target.elf import stored_segments
from tinykd.target.emulator.emulator import FAULT, STALL_SECONDS, RunResult
from tinykd.target.emulator.process import run_watched
from tinykd.target.targets import Target

INSTALL: dict[str, str] = {
    "qemu-system-arm": "apt-get install qemu-system-arm",
    "qemu-system-riscv32": "apt-get install --no-install-recommends qemu-system-misc",
}
"""What installs a program of QEMU."""


@dataclass(frozen=True)
class Qemu:
    """One of QEMU's programs.

    Attributes:
        machines: the machines that this version has.
    """

    executable: str
    version: str
    machines: frozenset[str]
    name: str = "qemu"

    def run(self, image: Image, frames: bytes, *, stall_s: float = STALL_SECONDS) -> RunResult:
        machine = self._machine(image.target)
        stored_segments(image.elf)  # QEMU would load a file of any other kind as raw bytes
        with tempfile.TemporaryDirectory(prefix="tinykd-qemu-") as name:
            folder = Path(name)
            incoming, outgoing = folder / "incoming", folder / "outgoing"
            incoming.write_bytes(frames)
            outgoing.touch()
            files = f"arg=firmware,arg={incoming.name},arg={outgoing.name}"
            command = (
                *(self.executable, "-M", machine.machine, *machine.options, "-kernel", str(image.elf.resolve()), "-icount", "shift=0"),
                *("-semihosting-config", f"enable=on,target=native,{files}"),
                *("-display", "none", "-monitor", "none", "-serial", "none"),
            )
            streams = {"stdin": Path("/dev/null"), "stdout": folder / "stdout", "stderr": folder / "stderr"}
            code = run_watched(command, folder, outgoing, stall_s, **streams)
            text = "".join((folder / s).read_text(errors="replace") for s in ("stdout", "stderr"))
            replies = outgoing.read_bytes()
        lockup = re.search(r"Lockup.*?R15=([0-9a-f]{8})", text, re.DOTALL)
        if lockup:  # a fault within a fault, after which QEMU aborts
            return RunResult(replies, f"FAULT (lockup)\npc 0x{lockup[1]}\n", FAULT)
        if code < 0 or (code != 0 and not replies and text.startswith(f"{machine.program}:")):
            why = f"signal {-code}" if code < 0 else f"exit code {code}"
            raise ToolError(
                f"{machine.program} -M {machine.machine} failed ({why}): {text.strip()[-1000:]}", "the image may not fit the machine"
            )
        return RunResult(replies, text, code)

    def instructions(self, image: Image, ticks: int) -> int | None:
        return round(ticks * self._machine(image.target).instructions_per_tick)

    def tick(self, target: Target) -> Fraction | None:
        return self._machine(target).tick

    def _machine(self, target: Target) -> QemuMachine:
        board = target.board
        if board is None or board.qemu is None:
            raise ToolError(f"QEMU has no machine for {target.name}", "choose another target")
        return board.qemu


@functools.cache
def find_qemu(program: str = "qemu-system-arm") -> Qemu | None:
    """The QEMU of the PATH that has this name, or None."""
    path = shutil.which(program)
    if path is None:
        return None
    try:
        version = subprocess.run((path, "--version"), capture_output=True, text=True, timeout=60, check=True).stdout
        machines = subprocess.run((path, "-M", "help"), capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    number = re.search(r"version (\S+)", version)
    return Qemu(path, number[1] if number else "unknown", frozenset(line.split(" ", 1)[0] for line in machines.splitlines()[1:]))
