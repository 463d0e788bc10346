"""The cost model against the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.target.machines import needs_qemu
from tinykd.compile.ops.operator import Call
from tinykd.compile.specialise.cost import COSTS, Cost, Work, instructions
from tinykd.deploy.export import export
from tinykd.deploy.profile import profile
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import choose_vectors
from tinykd.recipe.model import Export
from tinykd.target.toolchain import find_gcc

NEAR = {"m3": 0.15, "m4": 0.15, "m55": 0.25}
"""Relative error of a whole network's estimate, by target; one row of the table stands for all variants of a Helium kernel."""

MODEL = Path(__file__).parents[2] / "models" / "mnist" / "student_int8.tflite"


def test_work_is_paid_by_the_piece() -> None:
    assert Cost(mac=2, output=3, window=5, position=7, call=11).of(Work(macs=1000, outputs=100, windows=10, positions=1, calls=2)) == 2379


@needs_qemu
@pytest.mark.skipif(find_gcc() is None, reason="the table was measured with gcc")
@pytest.mark.parametrize("target", NEAR)
def test_estimates_are_near_what_a_network_takes(target: str, tmp_path: Path) -> None:
    exported = export(open_source(MODEL), Export(target=target, optimize="speed"), tmp_path / "tree")
    found = profile(exported, choose_vectors(exported, 1, 0).inputs[0], toolchain="gcc")
    layers = exported.program.layers
    assert {layer.call.source for layer in layers if isinstance(layer.call, Call) and layer.macs} <= COSTS.keys()
    estimate = sum(instructions(exported.program, layer) for layer in layers)
    assert estimate == pytest.approx(found.instructions, rel=NEAR[target])
