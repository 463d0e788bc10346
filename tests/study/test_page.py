"""The page stands alone, escapes what it is given, and its pictures hold the figures."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from tests.study.rows import row
from tests.study.test_cells import written
from tinykd.errors import ToolError
from tinykd.study.cells import cells_of, treatments_of
from tinykd.study.file import find_study
from tinykd.study.page import page
from tinykd.study.plots import INK, plots
from tinykd.study.results import summary_text, write_results
from tinykd.study.run import Outcome
from tinykd.study.treatments import TREATMENTS

pytest.importorskip("matplotlib", reason="plots need the extra `study`; write_results without it is tested all the same")

EVIL = '<script>alert("&")</script>'
SEEDS = [
    row(point, treatment, seed, 0.5 + 0.1 * seed + 0.01 * len(treatment), group=group, form=TREATMENTS[treatment].form)
    for point, group in (("a", "A"), ("b", "B"))
    for treatment in ("plain", "qat", "distilled")
    for seed in (0, 1)
]


def outcomes(folder: Path) -> list[Outcome]:
    cells = cells_of(find_study(written(folder)))
    plain, hard, *_ = cells
    cell = replace(plain, point="small,temperature=2.0")
    return [Outcome(cell, (row(cell.point, "plain"), row(cell.point, "qat", form="qat"))), Outcome(hard, (), EVIL, "try <b>again</b>", 6)]


def test_page_stands_alone(tmp_path: Path) -> None:
    file = find_study(written(tmp_path))
    found = outcomes(tmp_path)
    rows = write_results(file, found, tmp_path, f"tinykd study {EVIL}")
    text = (tmp_path / "study.html").read_text()
    assert len(rows) == 2
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    # Namespaces and licences are names; what a browser would fetch stands in src, href or url().
    fetched = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)|url\(([^)]*)\)|@import\s+(\S+)""", text)
    assert all(target.startswith(("#", "data:")) for groups in fetched for target in groups if target)
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    assert "Failed runs" in text
    assert "small,temperature=2.0" in summary_text(file, found)


def test_pictures_are_svg_that_takes_its_ink_from_the_page() -> None:
    drawn = plots(SEEDS, [TREATMENTS[name] for name in ("plain", "qat", "distilled")])
    assert list(drawn) == ["accuracy-against-size", "impact", "teacher-against-student"]
    for plot in drawn.values():
        root = ElementTree.fromstring(plot.svg)
        assert root.tag.endswith("svg")
        assert INK not in plot.svg
        assert "currentColor" in plot.svg
    shown = "".join(ElementTree.fromstring(drawn["impact"].svg).itertext())
    # qat 0.5 + 0.03 against plain 0.5 + 0.05, in points
    assert "-2.00" in shown
    assert "+4.00" in shown
    assert (
        plots(SEEDS, [TREATMENTS["plain"]])["accuracy-against-size"].svg == plots(SEEDS, [TREATMENTS["plain"]])["accuracy-against-size"].svg
    )


def test_nothing_finished_is_a_page_all_the_same(tmp_path: Path) -> None:
    file = find_study(written(tmp_path))
    failed = [replace(outcome, rows=(), error="no data") for outcome in outcomes(tmp_path)]
    text = page(file, failed, [], plots([], treatments_of(file)), "tinykd study")
    assert "Failed runs" in text
    assert summary_text(file, failed) == "no cell has finished"


def test_without_matplotlib_the_table_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ToolError, match="matplotlib"):
        write_results(find_study(written(tmp_path)), outcomes(tmp_path), tmp_path, "tinykd study")
    assert (tmp_path / "study.csv").read_text().count("\n") == 3
