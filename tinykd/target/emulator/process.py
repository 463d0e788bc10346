"""A program that must end, or be ended: run with files for its streams and watched for progress."""

from __future__ import annotations

import functools
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tinykd.errors import ToolError

_LAST = 2000


@functools.cache
def _dies_with_parent() -> tuple[str, ...]:
    """What to put before a command so that Linux kills it when this process is gone, however that ended; else nothing.

    The call itself, prctl(PR_SET_PDEATHSIG), would need code of ours between fork and exec, which is not safe beside threads.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ()
    wrapper = (setpriv, "--pdeathsig", "KILL", "--")
    works = subprocess.run((*wrapper, setpriv, "--version"), capture_output=True, timeout=60, check=False).returncode == 0
    return wrapper if works else ()


def run_watched(command: Sequence[str], folder: Path, progress: Path, stall_s: float, *, stdin: Path, stdout: Path, stderr: Path) -> int:
    """Run `command` in `folder` until it ends; returns its exit code, negative if a signal ended it.

    Args:
        progress: a file that grows as long as the program gets on.
        stall_s: seconds without growth after which it is killed.

    Raises:
        ToolError: it could not start, or stalled. It never outlives this call, on Linux not even if this process is killed.
    """
    if shutil.which(command[0]) is None:
        raise ToolError(f"cannot run {command[0]}: no such program", "`tinykd doctor` shows what is installed")
    with stdin.open("rb") as fed, stdout.open("wb") as said, stderr.open("wb") as warned:
        try:
            process = subprocess.Popen((*_dies_with_parent(), *command), cwd=folder, stdin=fed, stdout=said, stderr=warned)
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
