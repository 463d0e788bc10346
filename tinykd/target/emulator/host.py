"""The host as its own target: the image is a program of this machine."""

from __future__ import annotations

import platform
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tinykd.errors import ToolError
from tinykd.target.build import Image
from tinykd.target.emulator.emulator import STALL_SECONDS, RunResult
from tinykd.target.emulator.process import run_watched
from tinykd.target.targets import Target


@dataclass(frozen=True)
class Host:
    """This machine. It counts no instructions."""

    name: str = "host"
    version: str = platform.machine()

    def run(self, image: Image, frames: bytes, *, stall_s: float = STALL_SECONDS) -> RunResult:
        with tempfile.TemporaryDirectory(prefix="tinykd-host-") as name:
            folder = Path(name)
            incoming, outgoing, text = folder / "incoming", folder / "outgoing", folder / "stderr"
            incoming.write_bytes(frames)
            code = run_watched((str(image.elf.resolve()),), folder, outgoing, stall_s, stdin=incoming, stdout=outgoing, stderr=text)
            if code < 0:
                raise ToolError(
                    f"{image.elf.name} died of signal {-code}: {text.read_text(errors='replace').strip()}", "debug it on this machine"
                )
            return RunResult(outgoing.read_bytes(), text.read_text(errors="replace"), code)

    def instructions(self, image: Image, ticks: int) -> int | None:  # noqa: ARG002
        return None

    def tick(self, target: Target) -> Fraction | None:  # noqa: ARG002
        return None
