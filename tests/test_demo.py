"""The main job end to end, as `make demo` runs it: distil, export, prove, report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.deploy.commands import tinykd


@pytest.mark.slow
@pytest.mark.train
def test_from_digits_to_proven_firmware(tmp_path: Path) -> None:
    run = tmp_path / "digits"
    outcome = tinykd("distill", "digits", "--out", run, "--quiet")
    assert outcome.returncode == 0, outcome.stderr
    outcome = tinykd("export", run, "--target", "cortex-m", "--json")
    assert outcome.returncode == 0, outcome.stderr
    memory = json.loads(outcome.stdout)
    outcome = tinykd("verify", run, "--layers", "--json")
    assert outcome.returncode == 0, outcome.stderr
    proof = json.loads(outcome.stdout)

    report = json.loads((run / "report.json").read_text())
    accuracy = report["distillation"]["accuracy"]
    assert accuracy["int8"] >= 0.975
    assert accuracy["int8"] >= accuracy["student"] - 0.005
    assert proof["accuracy"] == pytest.approx(accuracy["int8"], abs=1e-9)
    assert proof["samples"] == report["distillation"]["samples"]["test"]
    assert proof["differences"] == 0
    assert memory["flash_bytes"] < 64 << 10
    assert memory["ram_bytes"] < 16 << 10

    before = (run / "student_int8.tflite").read_bytes()
    again = tinykd("distill", "digits", "--out", run, "--quiet")
    assert again.returncode == 0
    assert (run / "student_int8.tflite").read_bytes() == before
    shown = tinykd("report", run).stdout
    assert "0 differ" in shown
    assert "exact" in shown
