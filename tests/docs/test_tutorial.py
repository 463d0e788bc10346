"""The tutorial from end to end on a training of seconds: its commands work, and what they print has the lines that it explains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, code_lines, commands
from tests.docs.readers import uncommented
from tests.docs.workspace import Workspace

PAGE = ROOT / "docs/tutorial.md"

TINY = (
    "--quiet --set teacher.train.epochs=1 --set distill.train.epochs=1 --set quantize.train.epochs=1 --set distill.views=1"
    " --set data.train_limit=256 --set 'teacher.knobs={width=[8,8],depth=1,strides=[1]}'"
    " --set 'student.knobs={width=[8,8],depth=1,strides=[1]}'"
)
"""What makes `tinykd distill digits` a matter of seconds; its accuracies mean nothing."""


def shown() -> list[str]:
    """The beginnings of the output lines in the tutorial: what stands before the first figure or the first gap."""
    found = []
    for _, line in code_lines(PAGE.read_text(encoding="utf-8")):
        label = re.split(r"\d|   |\[", line.strip())[0].strip()
        if len(label) > 3 and not label.startswith(("tinykd", "pip", "model ", "what limits")):
            found.append(label)
    return found


def test_the_tutorial_shows_output() -> None:
    assert {"teacher", "student (distilled)", "weights", "stack, worst case", "arena is proved minimal", "exact"} <= set(shown())


@pytest.mark.slow
@pytest.mark.train
def test_the_tutorial(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, tmp_path)
    workspace.provide("models/mnist/student_int8.tflite")
    printed = ""
    for command in commands(PAGE):
        if command.text.startswith("pip"):
            continue
        line = uncommented(command.text)
        outcome = workspace.shell(f"{line} {TINY}" if line.startswith("tinykd distill") else line)
        assert outcome.returncode == 0, f"{line}\n{outcome.stdout}{outcome.stderr}"
        printed += outcome.stdout
    lines = [line.strip() for line in printed.splitlines()]
    missing = [label for label in shown() if not any(line.startswith(label) for line in lines)]
    assert missing == []
