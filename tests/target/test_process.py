"""Programs that never outlive the one that started them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tinykd.errors import ToolError
from tinykd.target.emulator.process import run_watched

SCRIPT = """
import sys
from pathlib import Path
from tinykd.target.emulator.process import run_watched
folder = Path(sys.argv[1])
run_watched(("sh", "-c", "echo $$ > pid; exec sleep 300"), folder, folder / "none", 300.0,
            stdin=Path("/dev/null"), stdout=folder / "out", stderr=folder / "err")
"""


def running(pid: int) -> bool:
    """Whether the process is there and not only a record that nobody has read yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(what: object) -> None:
    assert callable(what)
    for _ in range(600):
        if what():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("setpriv") is None, reason="needs Linux and setpriv")
def test_a_program_dies_with_the_process_that_was_killed(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)])
    try:
        wait_until(lambda: started.exists() and started.read_text().strip())
        child = int(started.read_text())
        assert running(child)
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    wait_until(lambda: not running(child))


def test_exit_codes_and_signals_are_the_programs_own(tmp_path: Path) -> None:
    def run(script: str) -> int:
        streams = {"stdin": Path("/dev/null"), "stdout": tmp_path / "out", "stderr": tmp_path / "err"}
        return run_watched(("sh", "-c", script), tmp_path, tmp_path / "out", 30.0, **streams)

    assert run("exit 0") == 0
    assert run("exit 70") == 70
    assert run("kill -11 $$") == -11
    assert run("pwd") == 0
    assert (tmp_path / "out").read_text().strip() == str(tmp_path.resolve())


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    streams = {"stdin": Path("/dev/null"), "stdout": tmp_path / "out", "stderr": tmp_path / "err"}
    with pytest.raises(ToolError, match="cannot run nowhere"):
        run_watched(("nowhere",), tmp_path, tmp_path / "out", 30.0, **streams)
