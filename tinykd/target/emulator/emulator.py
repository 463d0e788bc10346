"""What every emulator does: run an image over a stream of frames."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from tinykd.target.build import Image
from tinykd.target.targets import Target

STALL_SECONDS = 120.0
"""A firmware that sends nothing for so long is taken for stuck."""

FAULT = 70
"""The exit code with which a firmware that faulted ends; `firmware/ports/bare/core.h` has the same."""


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        replies: the stream that the firmware sent.
        text: what it printed for people.
        exit_code: 0 all golden vectors agreed, 1 some did not, 2 a frame was cut off, `FAULT` it faulted.
    """

    replies: bytes
    text: str
    exit_code: int


class Emulator(Protocol):
    """Runs images."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def run(self, image: Image, frames: bytes, *, stall_s: float = STALL_SECONDS) -> RunResult:
        """Boot the image, feed it `frames`, wait for its end.

        Raises:
            ToolError: the emulator failed, or the firmware sent nothing for `stall_s` seconds.
        """

    def instructions(self, image: Image, ticks: int) -> int | None:
        """Instructions that `ticks` of the port's clock stand for; None if they were not counted."""

    def tick(self, target: Target) -> Fraction | None:
        """Instructions a tick of the port's clock, exactly; None where nothing counts them."""
