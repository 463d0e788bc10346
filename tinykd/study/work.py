"""One cell in a process of its own: trainings, measurements, and what it does line by line for the parent.

    python -m tinykd.study.work FOLDER      with FOLDER/cell.json, written by the parent

Standard output carries one JSON object a line (`Event`), standard error what libraries say. A process a cell keeps cells
apart: none inherits another's counters or memory, so that its bytes do not depend on what ran before, and one that the
system kills takes no other along. When standard input ends the parent is gone, and so goes the child.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from pydantic import Field

from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.progress import QuietProgress
from tinykd.errors import TinykdError
from tinykd.recipe.section import Section
from tinykd.run import RunDirectory
from tinykd.study.treatments import Form

STAGE = "study"
FILE = "cell.json"


class Measured(Section):
    """A treatment to measure."""

    name: str
    form: Form


class Order(Section):
    """What the parent wants done, in `cell.json`; the recipe lies beside it."""

    key: str = Field(description="under which the rows are stored")
    point: str
    group: str
    training: str
    settings: dict[str, str]
    treatments: tuple[Measured, ...]
    siblings: tuple[str, ...] = Field(description="run directories whose stages may be taken over")
    data_dir: str | None
    teacher: str | None


class Event(Section):
    """A line to the parent."""

    text: str = Field(description="what happens now")
    done: float | None = Field(default=None, description="fraction of the training that `text` names")
    error: str | None = Field(default=None, description="why the cell failed")
    hint: str = ""
    exit_code: int = 0


class Told(QuietProgress):
    """Progress as events."""

    def __init__(self) -> None:
        self._stage, self._epochs = "", 1

    def note(self, text: str) -> None:
        """See `TrainingProgress`."""
        say(Event(text=text))

    def start(self, stage: str, epochs_done: int, epochs: int, steps_per_epoch: int) -> None:  # noqa: ARG002
        """See `TrainingProgress`."""
        self._stage, self._epochs = stage, epochs
        say(Event(text=stage, done=epochs_done / epochs))

    def epoch(self, record: EpochRecord) -> None:
        """See `TrainingProgress`."""
        text = f"{self._stage} {record.epoch}/{self._epochs} val {100 * record.validation_accuracy:.1f} %"
        say(Event(text=text, done=record.epoch / self._epochs))


def say(event: Event) -> None:
    """One line on standard output."""
    print(event.model_dump_json(), flush=True)  # noqa: T201


def work(folder: Path) -> None:
    """Run the cell in `folder` and store its rows as the stage `study`."""
    from tinykd.distill.run import finished, opened
    from tinykd.recipe.toml import load_recipe
    from tinykd.study.measure import measure

    order = Order.model_validate_json((folder / FILE).read_text())
    recipe = load_recipe(folder / "recipe.toml")
    run = RunDirectory(folder, map(Path, order.siblings))
    data_dir = Path(order.data_dir) if order.data_dir else None
    teacher = Path(order.teacher) if order.teacher else None
    # The folder's own recipe makes the same student again, wherever the folder lies.
    command = f"tinykd distill {folder.name}/recipe.toml"
    with opened(recipe, run, command=command, progress=Told(), data_dir=data_dir, teacher_path=teacher) as pipeline:
        pipeline.teacher()
        stages = {"student": pipeline.student()}
        if recipe.prune is not None:
            stages["prune"] = pipeline.prune() or {}
        trained = list(stages)
        if any(one.form == "qat" for one in order.treatments):
            # A whole run, with its report: `tinykd export`, `verify` and `report` take it like any other.
            finished(pipeline, command)
            stages["quantize"] = pipeline.quantize()
        rows: list[dict[str, Any]] = []
        for one in order.treatments:
            seconds = sum(stages[name]["seconds"] for name in (*trained, *(["quantize"] if one.form == "qat" else [])))
            row: dict[str, Any] = {
                "point": order.point,
                "group": order.group,
                "treatment": one.name,
                "training": order.training,
                "form": one.form,
            }
            row |= {"seed": recipe.seed, "parameters": stages[trained[-1]]["parameters"], "seconds": round(seconds, 1)}
            rows.append({**row, **measure(pipeline, one.form), "settings": order.settings})
        run.finish(STAGE, order.key, values={"rows": rows})


def main(arguments: list[str]) -> int:
    """The process; its exit code."""
    # What libraries print on standard output must not come between the lines for the parent.
    lines = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(lines, "w")
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        work(Path(arguments[0]))
    except TinykdError as error:
        say(Event(text="failed", error=error.message, hint=error.hint, exit_code=error.exit_code))
        return error.exit_code
    return 0


def _leave_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
