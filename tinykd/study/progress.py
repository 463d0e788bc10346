"""How a study goes on: bars on a terminal, a line a cell elsewhere, nothing where asked for quiet."""

from __future__ import annotations

from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from tinykd.study.cells import Cell
from tinykd.study.run import Outcome, Watcher
from tinykd.study.work import Event


class QuietWatcher:
    """Says nothing."""

    def begin(self, total: int, finished: int) -> None:
        """See `Watcher`."""

    def start(self, cell: Cell) -> None:
        """See `Watcher`."""

    def event(self, cell: Cell, event: Event) -> None:
        """See `Watcher`."""

    def end(self, outcome: Outcome) -> None:
        """See `Watcher`."""

    def close(self) -> None:
        """See `Watcher`."""


class LineWatcher(QuietWatcher):
    """A line a cell: for log files and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0

    def begin(self, total: int, finished: int) -> None:
        """See `Watcher`."""
        self._total, self._done = total, finished
        self._say(f"{total} cells, {finished} finished before")

    def start(self, cell: Cell) -> None:
        """See `Watcher`."""
        self._say(f"{cell.name}: begins")

    def end(self, outcome: Outcome) -> None:
        """See `Watcher`."""
        self._done += 1
        self._say(f"{self._done}/{self._total} {told(outcome)}")

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class BarWatcher(QuietWatcher):
    """A bar for the study and one for each running cell; ended cells scroll by above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description}"),
            BarColumn(20),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}"),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._whole = TaskID(0)
        self._total = self._done = 0
        self._cells: dict[str, TaskID] = {}

    def begin(self, total: int, finished: int) -> None:
        """See `Watcher`."""
        self._total, self._done = total, finished
        self._whole = self._progress.add_task("study", total=total, completed=finished, text=self._count())
        self._progress.start()

    def start(self, cell: Cell) -> None:
        """See `Watcher`."""
        self._cells[cell.name] = self._progress.add_task(f"  {cell.name}", total=100, text="starts")

    def event(self, cell: Cell, event: Event) -> None:
        """See `Watcher`."""
        completed = None if event.done is None else round(100 * event.done)
        self._progress.update(self._cells[cell.name], text=event.text, completed=completed)

    def end(self, outcome: Outcome) -> None:
        """See `Watcher`."""
        self._progress.remove_task(self._cells.pop(outcome.cell.name))
        self._done += 1
        self._progress.update(self._whole, completed=self._done, text=self._count())
        self._console.print(told(outcome), markup=False, highlight=False, style="red" if outcome.error else None)

    def close(self) -> None:
        """See `Watcher`."""
        self._progress.stop()

    def _count(self) -> str:
        return f"{self._done} of {self._total} cells"


def told(outcome: Outcome) -> str:
    """One line about a cell that has ended."""
    if outcome.error:
        return f"{outcome.cell.name}: failed: {outcome.error}"
    found = ", ".join(f"{row.treatment} {100 * row.accuracy:.2f} %" for row in outcome.rows)
    return f"{outcome.cell.name}: {found} ({outcome.seconds:.0f} s)"


def watcher_on(how: Literal["auto", "quiet"]) -> Watcher:
    """Who to tell: bars if standard error is a terminal, else plain lines there; or nobody."""
    if how == "quiet":
        return QuietWatcher()
    console = Console(stderr=True)
    return BarWatcher(console) if console.is_terminal else LineWatcher(console)
