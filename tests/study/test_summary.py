"""Means, spreads and differences, by hand."""

from __future__ import annotations

import csv
import io

import pytest

from tests.study.rows import row
from tinykd.study.rows import as_csv
from tinykd.study.summary import entries, impact, shown, spread
from tinykd.study.treatments import TREATMENTS


def test_spread() -> None:
    found = spread([0.5, 0.75, 1.0])
    assert found.mean == 0.75
    assert found.deviation == pytest.approx(0.25)  # sqrt((1/16 + 0 + 1/16) / 2)
    assert spread([0.5]).deviation is None
    assert shown(found, 100) == "75.00 ± 25.00"
    assert shown(spread([0.5]), 100, 1) == "50.0"


def test_entries_gather_seeds() -> None:
    rows = [row("a", seed=1, accuracy=0.25), row("b"), row("a", seed=0, accuracy=0.75, flash_bytes=10)]
    found = {entry.point: entry for entry in entries(rows)}
    accuracy = found["a"].of("accuracy")
    assert accuracy is not None
    assert accuracy.values == (0.75, 0.25)
    assert found["a"].of("flash_bytes") is None  # one seed has none


def test_impact_compares_equal_seeds() -> None:
    rows = [
        row("a", "plain", 0, 0.5),
        row("a", "plain", 1, 0.25),
        row("a", "distilled", 1, 0.5),
        row("a", "distilled", 0, 0.625),
        row("a", "distilled", 2, 0.9),  # no plain one of that seed
        row("b", "distilled", 0, 0.9),  # nor of that network
    ]
    found = impact(rows, TREATMENTS["distilled"])
    assert list(found) == ["a"]
    assert sorted(found["a"].values) == [0.125, 0.25]
    assert found["a"].mean == 0.1875


def test_csv_reads_back() -> None:
    rows = [row("a,b", settings={"student.knobs.width": "8"}), row("c", accuracy=1 / 3, settings={"x": "[1, 2]"})]
    table = list(csv.DictReader(io.StringIO(as_csv(rows))))
    assert [line["point"] for line in table] == ["a,b", "c"]
    assert float(table[1]["accuracy"]) == 1 / 3
    assert table[0]["flash_bytes"] == ""
    assert (table[0]["student.knobs.width"], table[1]["student.knobs.width"], table[1]["x"]) == ("8", "", "[1, 2]")
