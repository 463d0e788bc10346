"""Suggestions of the memory report are what a narrower network really needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinykd.compile.graph import Graph
from tinykd.compile.passes import compile_graph
from tinykd.compile.passes.narrow import groups, narrowed
from tinykd.compile.planner.plan import plan
from tinykd.compile.sketch import Sketch, peak_ram
from tinykd.compile.specialise import specialise
from tinykd.compile.writer import write_model
from tinykd.deploy.export import export
from tinykd.deploy.memory import memory_report
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export
from tinykd.report.text import memory_text
from tinykd.target.features import FEATURES


def drawn(width: int, shortcut: int = 16) -> Graph:
    """Layer 0 is `width` wide; layers 1 and 2 are tied by an addition."""
    net = Sketch()
    x = net.conv_2d(net.input(24, 24, 3), width, 3)
    x = net.conv_2d(x, shortcut, 3, stride=2)
    y = net.conv_2d(x, shortcut, 3, activation="none")
    return net.graph(net.dense(net.global_average_pool(net.add(x, y, activation="relu")), 10))


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m3", "cortex-m55"])
def test_narrowed_programs_need_what_networks_drawn_that_narrow_need(core: str) -> None:
    features = FEATURES[core]
    program = specialise(compile_graph(drawn(32)), features)
    first, tied = groups(program)[:2]
    assert plan(narrowed(program, first, 8)).arena_bytes == peak_ram(drawn(24), features, "exact")
    assert plan(narrowed(program, tied, 4)).arena_bytes == peak_ram(drawn(32, 12), features, "exact")
    producers = [layer.index for layer in program.layers if layer.op.outputs[0] in tied and layer.row.kind == "CONV_2D"]
    assert producers == [1, 2]


def test_the_report_suggests_the_layer_at_the_peak(tmp_path: Path) -> None:
    (tmp_path / "wide.tflite").write_bytes(write_model(drawn(32)))
    exported = export(open_source(tmp_path / "wide.tflite"), Export(target="m4", optimize="speed"), tmp_path / "tree")
    memory = memory_report(exported, None)
    best = memory.narrower[0]
    assert (best.index, best.operator, best.channels, best.fewer) == (0, "CONV_2D", 32, 8)
    assert best.arena_bytes == memory.arena_bytes - best.saved_bytes == peak_ram(drawn(24), FEATURES["cortex-m4"], "exact")
    assert f"8 of 32 channels less in layer 0 CONV_2D: arena {best.arena_bytes:,}" in memory_text(memory)
