"""Whole studies on a tiny data set: shared stages, failures, resuming, interrupts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.distill.small import blobs, small_recipe
from tests.interrupted import MAIN, PATIENCE, held_after, started, wait_until
from tinykd.recipe.toml import show
from tinykd.run import RunDirectory
from tinykd.study import run as study_run
from tinykd.study.cells import Cell, cells_of
from tinykd.study.file import find_study
from tinykd.study.progress import QuietWatcher
from tinykd.study.run import Outcome, run_cells

STUDY = """
recipe = "recipe.toml"
trials = 1
[[points]]
name = "one"
[[points]]
name = "two"
set = { student.knobs.width = 8 }
[[points]]
name = "broken"
set = { data.path = "nowhere.npz" }
[[treatments]]
name = "plain"
[[treatments]]
name = "ptq"
"""


def tiny_study(folder: Path, text: str = STUDY) -> str:
    blobs(folder)
    (folder / "recipe.toml").write_text(show(small_recipe(folder)))
    (folder / "study.toml").write_text(text)
    return str(folder / "study.toml")


def run(cells: Sequence[Cell], out: Path) -> dict[str, Outcome]:
    return {one.cell.name: one for one in run_cells(cells, out, jobs=2, threads=1, watcher=QuietWatcher())}


@pytest.mark.train
def test_cells_share_a_teacher_and_fail_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = cells_of(find_study(tiny_study(tmp_path)))
    found = run(cells, tmp_path / "out")
    broken = found["broken.plain.seed0"]
    assert broken.exit_code == 6
    assert "nowhere.npz" in broken.error
    one, two = found["one.plain.seed0"], found["two.plain.seed0"]
    assert [row.treatment for row in one.rows] == ["plain", "ptq"]
    assert two.rows[0].parameters > one.rows[0].parameters
    runs = {name: RunDirectory(tmp_path / "out" / "runs" / f"{name}.plain.seed0") for name in ("one", "two")}
    # One of the two trained the teacher, whose log it has; the other took it over.
    assert sum(run.path("logs/teacher.csv").exists() or any(run.root.glob("logs/teacher*")) for run in runs.values()) == 1
    assert runs["one"].record("teacher") == runs["two"].record("teacher")
    integers = one.rows[1]
    assert integers.model_bytes == runs["one"].path("student_ptq.tflite").stat().st_size
    assert integers.arena_bytes
    assert integers.macs == one.rows[0].macs

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a finished cell was started again")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    again = run([cell for cell in cells if cell.point != "broken"], tmp_path / "out")
    assert {name: outcome.rows for name, outcome in again.items()} == {
        name: outcome.rows for name, outcome in found.items() if outcome.rows
    }
    with pytest.raises(AssertionError, match="started again"):
        run(cells, tmp_path / "out")


def test_a_process_that_dies_is_a_failed_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is replaced by one that says nothing useful and is killed, or prints a traceback."""
    cells = cells_of(find_study(tiny_study(tmp_path)))
    programs = iter(("import os; print('no json', flush=True); os.kill(os.getpid(), 9)", "raise ValueError('what went wrong')"))
    popen = subprocess.Popen

    def other(command: list[str], **options: object) -> object:
        return popen([command[0], "-c", next(programs)], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(study_run.subprocess, "Popen", other)
    first, second, *_ = run_cells(cells[:2], tmp_path / "out", 1, 1, QuietWatcher())
    assert (first.error, first.exit_code) == ("killed by signal 9", 7)
    assert second.error == "ValueError: what went wrong"
    assert "log.txt" in second.hint


@pytest.mark.train
@pytest.mark.slow
def test_interrupted_study_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    text = STUDY.replace('[[points]]\nname = "broken"\nset = { data.path = "nowhere.npz" }\n', "") + '[[treatments]]\nname = "qat"\n'
    study = tiny_study(tmp_path, text)

    def arguments(out: Path) -> list[str]:
        return ["study", study, "--out", str(out), "--jobs", "2", "--threads", "1", "--json", "--quiet"]

    def whole(out: Path) -> list[dict[str, object]]:
        done = subprocess.run([sys.executable, "-c", MAIN, *arguments(out)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        # seconds are those of the process that finished a stage
        return [{key: value for key, value in row.items() if key != "seconds"} for row in json.loads(done.stdout)]

    unbroken = whole(tmp_path / "unbroken")
    broken = tmp_path / "broken"
    file = "runs/one.plain.seed0/checkpoints/student.npz"
    with started(*arguments(broken), env=held_after(file, tmp_path / "hold")) as process:
        wait_until((broken / file).exists, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "same command" in said
    assert "Traceback" not in said
    children = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(broken).encode() in _read(path)]
    assert children == []
    file = "runs/one.plain.seed0/stages/ptq.json"
    assert not (broken / file).exists()
    with started(*arguments(broken), env=held_after(file, tmp_path / "hold")) as process:
        wait_until((broken / file).exists, process)
        process.kill()  # the children notice that the parent is gone
    assert process.returncode == -signal.SIGKILL
    until = time.monotonic() + PATIENCE
    while any(str(broken).encode() in _read(path) for path in Path("/proc").glob("[0-9]*/cmdline")):
        assert time.monotonic() < until, "a child outlived its parent"
        time.sleep(0.05)
    assert whole(broken) == unbroken
    for form in ("ptq", "int8", "float"):
        name = f"runs/two.plain.seed0/student_{form}.tflite"
        assert (broken / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
