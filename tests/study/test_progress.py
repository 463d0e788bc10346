"""What a watching user sees."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from tests.study.rows import row
from tests.study.test_cells import written
from tinykd.study.cells import cells_of
from tinykd.study.file import find_study
from tinykd.study.progress import BarWatcher, LineWatcher
from tinykd.study.run import Outcome, Watcher
from tinykd.study.work import Event


def watched(watcher: Watcher, folder: Path) -> None:
    first, second, *_ = cells_of(find_study(written(folder)))
    watcher.begin(5, 1)
    watcher.start(first)
    watcher.start(second)
    watcher.event(first, Event(text="student 3/4 val 91.2 %", done=0.75))
    watcher.event(first, Event(text="ptq: converting"))
    watcher.end(Outcome(first, (row(accuracy=0.875),), seconds=12.0))
    watcher.end(Outcome(second, (), "no [bold]data", "look", 6))
    watcher.close()


def test_lines(tmp_path: Path) -> None:
    text = io.StringIO()
    watched(LineWatcher(Console(file=text, width=200)), tmp_path)
    said = text.getvalue().splitlines()
    assert said[0] == "5 cells, 1 finished before"
    assert said[-2:] == [
        "2/5 small,temperature=2.0.plain.seed0: plain 87.50 % (12 s)",
        "3/5 small,temperature=2.0.hard.seed0: failed: no [bold]data",
    ]


def test_bars(tmp_path: Path) -> None:
    text = io.StringIO()
    watched(BarWatcher(Console(file=text, width=160, force_terminal=True)), tmp_path)
    said = text.getvalue()
    assert "small,temperature=2.0.plain.seed0: plain 87.50 % (12 s)" in said
    assert "failed: no [bold]data" in said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h")  # the cursor is back
