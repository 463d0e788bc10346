"""Interrupted anywhere, the same command ends with the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.distill.small import blobs, small_recipe
from tests.interrupted import PATIENCE, started, wait_until
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import show

pytestmark = pytest.mark.train

RESULTS = ("teacher.keras", "baseline.keras", "student.keras", "student_int8.tflite", "predictions/int8.npz", "test_inputs.npy")


@dataclass
class InterruptAt(QuietProgress):
    """Ctrl-C at the given training step of a run."""

    step_number: int

    def step(self) -> None:
        self.step_number -= 1
        if self.step_number == 0:
            raise KeyboardInterrupt


def run(recipe: Recipe, out: Path, progress: QuietProgress | None = None) -> None:
    distill(recipe, out, command="test", progress=progress or QuietProgress())


def result(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in RESULTS}


def test_interrupted_runs_end_with_the_same_bytes(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    run(recipe, tmp_path / "unbroken")
    # A stage has two epochs of two steps. Each piece stops at its n-th step: in the second epoch of the teacher, in that of the
    # baseline, in the first of quantization-aware training, in its second; and resumes what the pieces before it left.
    for step in (3, 5, 7, 3):
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "broken", InterruptAt(step))
    run(recipe, tmp_path / "broken")
    assert result(tmp_path / "broken") == result(tmp_path / "unbroken")


def test_another_seed_gives_other_bytes(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    run(recipe, tmp_path / "a")
    run(recipe.model_copy(update={"seed": 1}), tmp_path / "b")
    assert result(tmp_path / "a")["student.keras"] != result(tmp_path / "b")["student.keras"]


def command(recipe: Path, out: Path) -> list[str]:
    code = "from tinykd.cli.main import main; main()"
    return [sys.executable, "-c", code, "distill", str(recipe), "--out", str(out), "--quiet"]


@pytest.mark.slow
def test_killed_processes_end_with_the_same_bytes(tmp_path: Path) -> None:
    blobs(tmp_path)
    path = tmp_path / "recipe.toml"
    path.write_text(show(small_recipe(tmp_path)))
    subprocess.run(command(path, tmp_path / "unbroken"), check=True, capture_output=True)
    for stage in ("teacher", "student", "quantize"):
        process = subprocess.Popen(command(path, tmp_path / "broken"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not (tmp_path / f"broken/checkpoints/{stage}.npz").exists():
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"finished before it could be killed in {stage}"
    subprocess.run(command(path, tmp_path / "broken"), check=True, capture_output=True)
    assert result(tmp_path / "broken") == result(tmp_path / "unbroken")


@pytest.mark.slow
def test_fresh_processes_in_other_places_give_the_same_bytes(tmp_path: Path) -> None:
    """Neither the order of sets, nor the folder, nor what the process built before may reach a file."""
    recipe = small_recipe(tmp_path)
    path = tmp_path / "recipe.toml"
    path.write_text(show(recipe))
    before = "import keras; keras.Sequential([keras.Input((2,)), keras.layers.Dense(2), keras.layers.ReLU()]); "
    processes = []
    for hash_seed, out, prelude in (
        ("1", "a", ""),
        ("2", "elsewhere/b", "from tinykd.distill.keras_modules import keras as k; k(); " + before),
    ):
        plain = command(path, tmp_path / out)
        words = [*plain[:2], prelude + plain[2], *plain[3:]]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        processes.append(subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert result(tmp_path / "a") == result(tmp_path / "elsewhere/b")
    recorded = json.loads((tmp_path / "a/environment.json").read_text())["processes"]
    assert [one["variables"]["PYTHONHASHSEED"] for one in recorded] == ["1"]


@pytest.mark.slow
def test_first_control_c_says_how_to_go_on(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(show(small_recipe(tmp_path, teacher={"train": {"epochs": 100000, "batch_size": 32}})))
    with started("distill", path, "--out", tmp_path / "out", "--quiet") as process:
        wait_until((tmp_path / "out/checkpoints/teacher.npz").exists, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, said
    assert "same command" in said
    assert "Traceback" not in said
