"""Processes of tinykd that tests interrupt, as a terminal does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Seconds after which a process is taken to hang; a busy machine needs a small part of it.
PATIENCE = 600.0

# A shell without job control has what it runs in the background ignore SIGINT, every process below inherits that, and Python
# leaves it so. A terminal's foreground process does not ignore it, whatever started the tests.
MAIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from tinykd.cli.main import main; main()"

HOLD = """
import os, time

replace = os.replace

def replace_and_hold(source, target, **options):
    replace(source, target, **options)
    if str(target).endswith(os.environ["HOLD_AFTER"]):
        while True:
            time.sleep(60)

os.replace = replace_and_hold
"""


def held_after(file: str, folder: Path) -> dict[str, str]:
    """An environment in which the process that finished a file whose path ends like that goes no further, and has to be stopped."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOLD)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "HOLD_AFTER": file, "PYTHONPATH": os.pathsep.join(paths)}


@contextmanager
def started(*arguments: object, env: Mapping[str, str] | None = None, group: bool = False) -> Iterator[subprocess.Popen[str]]:
    """`tinykd` in a process that Ctrl-C interrupts, or in a group of such; killed if the test leaves it running."""
    line = [sys.executable, "-c", MAIN, *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=pipe, text=True, env=env, start_new_session=group) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                if group:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait for what `process` does; a failure if it ends first, or hangs."""
    until = time.monotonic() + PATIENCE
    while not happened():
        code = process.poll()
        assert code is None, f"ended with {code} before it could be interrupted: {process.communicate()[1][-2000:]}"
        assert time.monotonic() < until, "does not come to where it is to be interrupted"
        time.sleep(0.01)
