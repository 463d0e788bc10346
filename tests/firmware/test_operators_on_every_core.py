"""The operator table on every core: generated firmware in the emulator, the integers of LiteRT.

Each core runs one graph of the table, another than its neighbour's; with TINYKD_LONG set, each runs all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.firmware.whole_table import CHUNKS, whole_table
from tests.target.machines import CORES_AND_TOOLCHAINS, installed
from tinykd.compile.writer import write_model
from tinykd.deploy.export import export
from tinykd.deploy.inputs import random_inputs
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import Vectors, verify
from tinykd.recipe.model import Export

SAMPLES = 3
ALL = range(CHUNKS)
RUNS = [
    pytest.param(*param.values, chunk, marks=param.marks)
    for position, param in enumerate(CORES_AND_TOOLCHAINS)
    for chunk in (ALL if os.environ.get("TINYKD_LONG") else [position % CHUNKS])
]


@pytest.mark.slow
@pytest.mark.parametrize(("core", "toolchain", "chunk"), RUNS)
def test_same_integers_on_every_core(core: str, toolchain: str, chunk: int, tmp_path: Path) -> None:
    if not installed(core, "qemu"):
        pytest.skip(f"no QEMU for {core} is installed")
    (tmp_path / "table.tflite").write_bytes(write_model(whole_table(chunk, seed=1).graph))
    source = open_source(tmp_path / "table.tflite")
    exported = export(source, Export(target=core), tmp_path / "tree")
    proof, _ = verify(exported, Vectors(random_inputs(source.graph, SAMPLES, seed=0), None), toolchain=toolchain, emulator="qemu")
    assert proof.mismatches == ()
    assert (proof.differences, proof.golden_differences) == (0, 0)
    assert proof.compared > 0
