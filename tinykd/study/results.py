"""What a study leaves: `study.csv`, plots, the page, and a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinykd.run import write_atomically
from tinykd.study.cells import treatments_of
from tinykd.study.file import StudyFile
from tinykd.study.page import page
from tinykd.study.plots import plots
from tinykd.study.rows import Row, as_csv
from tinykd.study.run import Outcome
from tinykd.study.summary import Entry, entries, shown


def write_results(file: StudyFile, outcomes: Sequence[Outcome], out: Path, command: str) -> list[Row]:
    """Write table, plots and page into `out`; the rows.

    Raises:
        ToolError: matplotlib is missing, or the disk is full. The table is there in the first case.
    """
    rows = sorted_rows(file, outcomes)
    write_atomically(out / "study.csv", as_csv(rows).encode())
    drawn = plots(rows, treatments_of(file))
    for name, plot in drawn.items():
        write_atomically(out / "plots" / f"{name}.svg", plot.svg.encode())
    write_atomically(out / "study.html", page(file, outcomes, rows, drawn, command).encode())
    return rows


def sorted_rows(file: StudyFile, outcomes: Sequence[Outcome]) -> list[Row]:
    """By point, then treatment, in the study's order, then seed."""
    points = list(dict.fromkeys(outcome.cell.point for outcome in outcomes))
    order = [one.name for one in treatments_of(file)]
    rows = [row for outcome in outcomes for row in outcome.rows]
    return sorted(rows, key=lambda row: (points.index(row.point), order.index(row.treatment), row.seed))


def summary_text(file: StudyFile, outcomes: Sequence[Outcome]) -> str:
    """A line a point and treatment: accuracy in percent, size, flash and RAM."""
    found = entries(sorted_rows(file, outcomes))
    if not found:
        return "no cell has finished"
    width = max(len("point"), *(len(entry.point) for entry in found))
    kind = max(len(entry.treatment) for entry in found)
    lines = [
        f"{'point':<{width}}  {'treatment':<{kind}}  {'test, %':>14}  {'agrees, %':>14}  "
        f"{'.tflite B':>9}  {'flash B':>8}  {'RAM B':>7}  seeds"
    ]
    for entry in found:
        percents = "  ".join(f"{_percent(entry, column):>14}" for column in ("accuracy", "agreement"))
        model, flash, ram = (_whole(entry, column) for column in ("model_bytes", "flash_bytes", "ram_bytes"))
        lines.append(
            f"{entry.point:<{width}}  {entry.treatment:<{kind}}  {percents}  {model:>9}  {flash:>8}  {ram:>7}  {len(entry.rows):>5}"
        )
    return "\n".join(lines)


def _percent(entry: Entry, column: str) -> str:
    found = entry.of(column)
    return shown(found, 100) if found else ""


def _whole(entry: Entry, column: str) -> str:
    found = entry.of(column)
    return f"{found.mean:.0f}" if found else ""
