"""A program that must end, or be ended: run with files for its streams and watched for progress."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tinykd.errors import ToolError

_LAST = 2000


def run_watched(command: Sequence[str], folder: Path, progress: Path, stall_s: float, *, stdin: Path, stdout: Path, stderr: Path) -> int:
    """Run `command` in `folder` until it ends; returns its exit code, negative if a signal ended it.

    Args:
        progress: a file that grows as long as the program gets on.
        stall_s: seconds without growth after which it is killed.

    Raises:
        ToolError: it could not start, or stalled. It never outlives this call.
    """
    with stdin.open("rb") as fed, stdout.open("wb") as said, stderr.open("wb") as warned:
        try:
            process = subprocess.Popen(command, cwd=folder, stdin=fed, stdout=said, stderr=warned)
        except OSError as error:
            raise ToolError(f"cannot run {command[0]}: {error.strerror or error}", "`tinykd doctor` shows what is installed") from error
        try:
            pause, size, since = 0.002, -1, time.monotonic()
            while True:
                try:
                    return process.wait(timeout=pause)
                except subprocess.TimeoutExpired:
                    pause = min(0.1, pause * 2)
                grown = progress.stat().st_size if progress.exists() else 0
                if grown != size:
                    size, since = grown, time.monotonic()
                elif time.monotonic() - since > stall_s:
                    text = stderr.read_text(errors="replace")[-_LAST:].strip()
                    said_so = f"; it said:\n{text}" if text else ""
                    name = Path(command[0]).name
                    raise ToolError(
                        f"{name}: the firmware sent nothing for {stall_s:g} s and was stopped after {grown} bytes{said_so}",
                        "an endless loop in the firmware, or an inference slower than that",
                    )
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
