"""The whole report: the shipped one is valid, damaged ones are refused, the schema is what the report obeys."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.deploy.commands import tinykd
from tinykd.errors import UsageError
from tinykd.report.run import RunReport, open_report, report_markdown, report_text
from tinykd.resources import models_folder

SHIPPED = models_folder() / "mnist" / "report.json"


def test_the_shipped_report_keeps_its_promise() -> None:
    """models/mnist: an int8 student whose file takes at most 20 kB, at 99.4 % or better."""
    report = open_report(SHIPPED)
    assert report.distillation is not None
    assert report.distillation.accuracy.int8 >= 0.994
    assert report.distillation.int8_model_bytes == (SHIPPED.parent / "student_int8.tflite").stat().st_size <= 20_000
    text = report_text(report)
    assert f"{100 * report.distillation.accuracy.int8:.2f} %" in text
    assert "student, int8 integers" in report_markdown(report)


def test_report_obeys_its_schema() -> None:
    jsonschema.validate(json.loads(SHIPPED.read_text()), RunReport.model_json_schema())


@pytest.mark.parametrize("damage", ["{", "[]", '{"distillation": {"recipe": 3}}'])
def test_damaged_report(tmp_path: Path, damage: str) -> None:
    (tmp_path / "report.json").write_text(damage)
    with pytest.raises(UsageError, match="damaged"):
        open_report(tmp_path)


def test_what_is_no_text_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_bytes(b"\x98\xff")
    with pytest.raises(UsageError, match="damaged"):
        open_report(tmp_path)
    (tmp_path / "small.tflite").write_bytes(b"\x98\xff")
    with pytest.raises(UsageError, match="a model, not a run"):
        open_report(tmp_path / "small.tflite")


def test_command_prints_all_forms() -> None:
    assert "99." in tinykd("report", SHIPPED).stdout
    assert json.loads(tinykd("report", SHIPPED, "--json").stdout)["distillation"]["recipe"] == "mnist"
    assert tinykd("report", SHIPPED, "--format", "markdown").stdout.startswith("# Accuracy")
    assert tinykd("report", "/nowhere").returncode == 2
