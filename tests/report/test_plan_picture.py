"""The plan of the arena as a picture and in a terminal."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tinykd.deploy.export import export
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export
from tinykd.report.memory import Memory
from tinykd.report.plan_chart import plan_chart
from tinykd.report.plan_picture import plan_svg, plan_svg_file

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Memory:
    folder = tmp_path_factory.mktemp("picture")
    (folder / "small <&>.tflite").write_bytes(conv_then_dense_bytes())
    return memory_report(export(open_source(folder / "small <&>.tflite"), Export(target="m4"), folder / "tree"), None)


def test_every_buffer_is_a_rectangle_with_a_tooltip(memory: Memory) -> None:
    root = ElementTree.fromstring(plan_svg_file(memory).encode())
    boxes = [one for one in root.iter(f"{SVG}rect") if one.get("class") == "box"]
    assert len(boxes) == len(memory.buffers) > 2
    assert all(one.find(f"{SVG}title") is not None for one in boxes)
    heights = sorted(float(one.get("height", "0")) for one in boxes)
    shares = sorted(400 * b.bytes / memory.arena_bytes for b in memory.buffers)
    assert heights == pytest.approx(shares, abs=0.1)


def test_a_page_may_hold_two_pictures(memory: Memory) -> None:
    page = ElementTree.fromstring(f"<div>{plan_svg(memory, 'one')}{plan_svg(memory, 'two')}</div>")
    idents = [one.get("id") for one in page.iter() if one.get("id")]
    assert len(idents) == len(set(idents)) == 8


def test_titles_say_what_the_picture_shows(memory: Memory) -> None:
    root = ElementTree.fromstring(plan_svg_file(memory).encode())
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert f"{memory.arena_bytes:,} bytes" in (title.text or "")
    assert description is not None
    assert all(f"{b.bytes:,} bytes" in (description.text or "") for b in memory.buffers)


def test_the_chart_shows_each_buffer_where_it_lies(memory: Memory) -> None:
    lines = plan_chart(memory).splitlines()
    assert max(map(len, lines)) <= 110
    assert "\n".join(lines).isascii()
    rows = [line.split("|")[1] for line in lines if line.count("|") == 2]
    wide = len(rows[0]) // len(memory.layers)
    for k, row in enumerate(reversed(rows)):
        middle = (k * memory.arena_bytes // len(rows) + (k + 1) * memory.arena_bytes // len(rows)) // 2
        for step in range(len(memory.layers)):
            held = sum(b.first <= step <= b.last and b.offset <= middle < b.offset + b.bytes for b in memory.buffers)
            shown = row[step * wide]
            assert (shown == ".") == (held == 0)
            assert (shown == "#") == (held > 1)


def test_the_command_draws_the_plan(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(conv_then_dense_bytes())
    assert tinykd("export", tmp_path / "small.tflite", "--no-build", "--plan-seconds", "0.5", "--out", tmp_path / "tree").returncode == 0
    ElementTree.parse(tmp_path / "tree" / "report" / "plan.svg")
    drawn = tinykd("report", tmp_path / "tree", "--plan")
    assert drawn.returncode == 0
    assert "bytes of arena over 2 layers" in drawn.stdout
