"""A whole study: cells over processes, finished ones left alone, failed ones told, then table, plots and page."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

from pydantic import ValidationError

from tinykd.recipe.toml import show
from tinykd.run import RunDirectory, write_atomically
from tinykd.study.cells import Cell
from tinykd.study.order import may_start
from tinykd.study.rows import Row
from tinykd.study.work import FILE, STAGE, Event, Measured, Order

RUNS = "runs"
LOG = "log.txt"
#: Seconds that an interrupted cell gets to end by itself.
GRACE = 10.0


class Watcher(Protocol):
    """Who is told how a study goes on."""

    def begin(self, total: int, finished: int) -> None:
        """So many cells, of which so many were finished before."""
        ...

    def start(self, cell: Cell) -> None:
        """A cell's process begins."""
        ...

    def event(self, cell: Cell, event: Event) -> None:
        """A cell says what it does."""
        ...

    def end(self, outcome: Outcome) -> None:
        """A cell has ended."""
        ...

    def close(self) -> None:
        """The study is over or was interrupted."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a cell ended.

    Attributes:
        cell: Of the study.
        rows: What was measured; empty if it failed or has not run.
        error: Why it failed, or empty.
        hint: What to do.
        exit_code: 0, or that of the error.
        seconds: Of this process; 0 if it was finished before.
    """

    cell: Cell
    rows: tuple[Row, ...] = ()
    error: str = ""
    hint: str = ""
    exit_code: int = 0
    seconds: float = 0.0


@dataclass
class _Process:
    cell: Cell
    folder: Path
    popen: subprocess.Popen[str]
    log: IO[bytes]
    started: float = field(default_factory=time.monotonic)
    last: Event | None = None


def run_cells(
    cells: Sequence[Cell],
    out: Path,
    jobs: int,
    threads: int,
    watcher: Watcher,
    data_dir: Path | None = None,
    teacher: Path | None = None,
) -> list[Outcome]:
    """Run every cell that is not finished; the outcomes, in the order of `cells`.

    Interrupted, children are stopped; the same call goes on in each where it stopped.

    Args:
        cells: Of the study.
        out: Of the study; cells lie in its `runs/`.
        jobs: Processes at a time.
        threads: Of each process.
        watcher: Who is told.
        data_dir, teacher: As `tinykd.distill.run.distill`.

    Raises:
        UsageError: another process works in `out`.
    """
    with RunDirectory(out).locked():
        return _run_cells(cells, out, jobs, threads, watcher, data_dir, teacher)


def _run_cells(
    cells: Sequence[Cell], out: Path, jobs: int, threads: int, watcher: Watcher, data_dir: Path | None, teacher: Path | None
) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}
    waiting: list[Cell] = []
    for cell in cells:
        rows = stored_rows(out, cell, teacher)
        if rows:
            outcomes[cell.name] = Outcome(cell, rows)
        else:
            waiting.append(cell)
    watcher.begin(len(cells), len(outcomes))
    events: queue.Queue[tuple[_Process, str | None]] = queue.Queue()
    running: list[_Process] = []
    environment = {**os.environ, **thread_environment(threads)}
    try:
        while waiting or running:
            for cell in list(waiting):
                if len(running) >= jobs:
                    break
                if not may_start(cell, [(one.cell, one.folder) for one in running]):
                    continue
                waiting.remove(cell)
                order = _order(cell, cells, out, data_dir, teacher)
                running.append(_started(cell, out, order, environment, events))
                watcher.start(cell)
            try:
                process, line = events.get(timeout=0.5)
            except queue.Empty:
                continue  # a stage that others wait for may have finished
            if line is None:
                running.remove(process)
                outcome = _ended(process, out, teacher)
                outcomes[process.cell.name] = outcome
                watcher.end(outcome)
            else:
                with contextlib.suppress(ValidationError):
                    process.last = Event.model_validate_json(line)
                    watcher.event(process.cell, process.last)
    finally:
        _stop(running)
        watcher.close()
    return [outcomes[cell.name] for cell in cells]


def stored_rows(out: Path, cell: Cell, teacher: Path | None) -> tuple[Row, ...]:
    """The rows of a finished cell; empty if it is not, or was finished with other settings."""
    run = RunDirectory(out / RUNS / cell.name)
    if not run.is_done(STAGE, cell.key(teacher)):
        return ()
    record = run.record(STAGE)
    try:
        return tuple(Row.model_validate(row) for row in record["values"]["rows"]) if record else ()
    except (ValidationError, KeyError, TypeError):
        return ()


def thread_environment(threads: int) -> dict[str, str]:
    """What tells TensorFlow and NumPy's libraries how many threads to use."""
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: str(threads) for name in names}


def _order(cell: Cell, cells: Sequence[Cell], out: Path, data_dir: Path | None, teacher: Path | None) -> Order:
    others = (one for one in cells if one.name != cell.name and one.recipe.seed == cell.recipe.seed)
    return Order(
        key=cell.key(teacher),
        point=cell.point,
        group=cell.group,
        training=cell.training,
        settings=dict(cell.settings),
        treatments=tuple(Measured(name=one.name, form=one.form) for one in cell.treatments),
        siblings=tuple(str((out / RUNS / one.name).absolute()) for one in others),
        data_dir=str(data_dir.absolute()) if data_dir else None,
        teacher=str(teacher.absolute()) if teacher else None,
    )


def _started(
    cell: Cell, out: Path, order: Order, environment: Mapping[str, str], events: queue.Queue[tuple[_Process, str | None]]
) -> _Process:
    folder = out / RUNS / cell.name
    write_atomically(folder / "recipe.toml", show(cell.recipe).encode())
    write_atomically(folder / FILE, (json.dumps(order.model_dump(mode="json"), indent=2) + "\n").encode())
    log = (folder / LOG).open("ab")
    popen = subprocess.Popen(
        [sys.executable, "-m", "tinykd.study.work", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=dict(environment),
        start_new_session=True,  # Ctrl-C is for the parent, who stops the children
    )
    process = _Process(cell, folder, popen, log)

    def read() -> None:
        assert popen.stdout is not None
        for line in popen.stdout:
            events.put((process, line))
        events.put((process, None))

    threading.Thread(target=read, daemon=True).start()
    return process


def _ended(process: _Process, out: Path, teacher: Path | None) -> Outcome:
    code = process.popen.wait()
    _close(process)
    seconds = time.monotonic() - process.started
    rows = stored_rows(out, process.cell, teacher)
    if code == 0 and rows:
        return Outcome(process.cell, rows, seconds=seconds)
    last = process.last
    if last is not None and last.error:
        return Outcome(process.cell, (), last.error, last.hint, last.exit_code, seconds)
    why = f"killed by signal {-code}" if code < 0 else _last_line(process.folder / LOG)
    return Outcome(process.cell, (), why, f"see {process.folder / LOG}", 7, seconds)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "ended without a word"


def _stop(running: Sequence[_Process]) -> None:
    for process in running:
        process.popen.terminate()
    until = time.monotonic() + GRACE
    for process in running:
        try:
            process.popen.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.popen.kill()
            process.popen.wait()
        _close(process)


def _close(process: _Process) -> None:
    process.log.close()
    if process.popen.stdin is not None:
        with contextlib.suppress(OSError):
            process.popen.stdin.close()
