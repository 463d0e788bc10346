"""What TFLite Micro needs for the same model, measured with its own interpreter where that is installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from tinykd.errors import ToolError

_MEASURE = """
import sys
import tflite_micro

model = sys.stdin.buffer.read()

def fits(size):
    try:
        tflite_micro.runtime.Interpreter.from_bytes(model, arena_size=size)
    except RuntimeError:
        return False
    return True

high = 1 << 24
if not fits(high):
    sys.exit(3)
low = 0
while high - low > 16:
    middle = (low + high) // 32 * 16
    low, high = (low, middle) if fits(middle) else (middle, high)
print(high)
"""
"""Runs in a process of its own: the interpreter writes its complaints straight to stderr."""


def arena_bytes(model: bytes) -> int | None:
    """The smallest arena, a multiple of 16 bytes, in which TFLite Micro allocates `model` on this host.

    Returns:
        None if the `tflite-micro` package is not installed or refuses the model.

    Raises:
        ToolError: the measurement did not end within a minute.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        return None
    try:
        found = subprocess.run([sys.executable, "-c", _MEASURE], input=model, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired as error:
        raise ToolError("TFLite Micro did not allocate the model within a minute") from error
    return int(found.stdout) if found.returncode == 0 and found.stdout.strip().isdigit() else None
