"""A progress bar on the terminal, for work that is counted in samples."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def sample_progress(title: str, total: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A bar with throughput and time left on stderr; nothing where stderr is not a terminal or `hidden` is set."""
    if hidden or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TextColumn("{task.speed:.1f}/s"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        bar.update(task, completed=0)

        def advance(count: int) -> None:
            bar.advance(task, count)

        yield advance
