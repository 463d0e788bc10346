"""The command line in a process of its own, as a user runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def tinykd(*arguments: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `tinykd` and return what came out; a traceback is a failure of the test whatever the exit code."""
    command = [sys.executable, "-c", "from tinykd.cli.main import main; main()", *map(str, arguments)]
    outcome = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600, check=False)
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome
