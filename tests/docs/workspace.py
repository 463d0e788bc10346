"""A folder in which documented commands find what they name: models, runs, reports, recipes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.compile.models import conv_then_dense_bytes
from tests.docs.blocks import ROOT


@dataclass(frozen=True)
class Workspace:
    """A folder, which is also the home of who types there; `run_template` is a finished run."""

    folder: Path
    run_template: Path

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """What a reader's bash makes of the line."""
        scripts = Path(sys.executable).parent
        environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder), "NO_COLOR": "1"}
        environment["GITHUB_STEP_SUMMARY"] = str(self.folder / "summary.md")
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, cwd=self.folder, env=environment, timeout=600, check=False
        )

    def provide(self, line: str) -> None:
        """Make what the line names and no earlier line has made; take away keys that it is about to make."""
        if line.startswith("tinykd manifest keys"):
            for name in ("key.pem", "key.pub.pem"):
                (self.folder / name).unlink(missing_ok=True)
        for pattern, make in MAKERS.items():
            for match in re.finditer(pattern, line):
                path = self.folder / match[0]
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    make(self, path)


def _model(workspace: Workspace, path: Path) -> None:
    path.write_bytes(conv_then_dense_bytes(seed=len(path.name)))


def _folder_of_models(workspace: Workspace, path: Path) -> None:
    path.mkdir()
    (path / "small.tflite").write_bytes(conv_then_dense_bytes())


def _shipped(workspace: Workspace, path: Path) -> None:
    shutil.copy(ROOT / path.relative_to(workspace.folder), path)


def _run(workspace: Workspace, path: Path) -> None:
    shutil.copytree(workspace.run_template, path)


def _report(workspace: Workspace, path: Path) -> None:
    shutil.copy(workspace.run_template / "report.json", path)


def _firmware(workspace: Workspace, path: Path) -> None:
    built = (workspace.run_template / "export").rglob("firmware.elf")
    shutil.copy(next(image for image in built if not image.parent.name.endswith("-trace")), path)


def _recipe(workspace: Workspace, path: Path) -> None:
    assert workspace.shell(f"tinykd init --from digits {path.name}").returncode == 0


def _study(workspace: Workspace, path: Path) -> None:
    path.write_text('name = "mine"\nrecipe = "digits"\n[[treatments]]\nname = "plain"\n')


def _board(workspace: Workspace, path: Path) -> None:
    assert workspace.shell(f"tinykd boards nucleo-f446re --toml > {path.name}").returncode == 0


def _folder(workspace: Workspace, path: Path) -> None:
    path.mkdir()


def _key(workspace: Workspace, path: Path) -> None:
    """A pair of keys, and every run signed."""
    for line in ("tinykd manifest keys key.pem", *(f"tinykd manifest sign runs/{run.name} --key key.pem" for run in _runs(workspace))):
        outcome = workspace.shell(line)
        assert outcome.returncode == 0, outcome.stderr


def _runs(workspace: Workspace) -> list[Path]:
    return sorted(path for path in (workspace.folder / "runs").glob("*") if (path / "report.json").exists())


MAKERS: Mapping[str, Callable[[Workspace, Path], None]] = {
    r"(?<![\w/.-])(model|old|new)\.tflite": _model,
    r"(?<![\w/.-])(models|folder-of-models)/(?=[ *]|$)": _folder_of_models,
    r"models/[a-z0-9_]+/student_int8\.tflite": _shipped,
    r"(?<![\w/.-])runs/[a-z_-]+": _run,
    r"(?<![\w/.-])((main|old)/)?report\.json": _report,
    r"(?<= )firmware\.elf": _firmware,
    r"(?<=show )(my|recipe)\.toml": _recipe,
    r"(?<= )my-study\.toml": _study,
    r"(?<=\./)(myboard|mine)\.toml": _board,
    r"(?<=--key )key\.pub\.pem": _key,
    r"(?<=--key )key\.pem": _key,
    r"\.config/fish/completions(?=/)": _folder,
}
"""Patterns of paths, and who makes them. What a command writes is not here: a page must come to it by itself."""


def finished_run(folder: Path) -> Path:
    """A run as `distill` leaves it, then exported and proved; its networks are small and untrained."""
    run = folder / "runs/digits"
    run.mkdir(parents=True)
    (run / "teacher.keras").write_bytes(b"teacher")
    (run / "student.keras").write_bytes(b"student")
    (run / "student_int8.tflite").write_bytes(conv_then_dense_bytes())
    rng = np.random.default_rng(0)
    np.save(run / "test_inputs.npy", rng.integers(-128, 128, (4, 6, 6, 2)).astype(np.int8))
    np.save(run / "test_labels.npy", np.array([0, 1, 2, 3]))
    shutil.copy(ROOT / "models/digits/recipe.toml", run / "recipe.toml")
    accuracy = {"teacher": 0.9, "baseline": None, "student": 0.8, "qat": 0.8, "int8": 0.8}
    hashes = {
        name: hashlib.sha256((run / file).read_bytes()).hexdigest()
        for name, file in (("teacher", "teacher.keras"), ("student", "student.keras"), ("int8", "student_int8.tflite"))
    }
    report = {
        "recipe": "digits", "seed": 0, "command": "tinykd distill digits", "samples": {"train": 3, "validation": 2, "test": 4},
        "classes": 5, "class_names": list("abcde"), "accuracy": accuracy, "validation_accuracy": accuracy, "fidelity": {},
        "parameters": {"student": 1, "teacher": 2}, "int8_model_bytes": 1, "seconds": {}, "training": {}, "versions": {},
        "hashes": {"data": "d" * 64, **hashes},
    }  # fmt: skip
    (run / "report.json").write_text(json.dumps({"distillation": report}))
    outcome = Workspace(folder, run).shell("tinykd verify runs/digits --layers")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return run
