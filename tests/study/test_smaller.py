"""Treatments that make the model smaller: channels taken out, weights of four bits; on a network whose knobs cannot say pruned widths."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study.test_run import run, tiny_study
from tinykd.compile.reader import read_file
from tinykd.compile.weight_storage import stored_weights
from tinykd.study.cells import cells_of
from tinykd.study.file import find_study

STUDY = """
recipe = "recipe.toml"
trials = 1
[set]
quantize.train.epochs = 1
prune.train.epochs = 1
prune.least = 2
student = { net = "resnet8", knobs = { width = 4 } }
[[treatments]]
name = "plain"
[[treatments]]
name = "qat"
[[treatments]]
name = "pruned"
[[treatments]]
name = "pruned_qat"
[[treatments]]
name = "int4"
"""


def test_only_pruned_trainings_have_the_table(tmp_path: Path) -> None:
    cells = {cell.training: cell.recipe for cell in cells_of(find_study(tiny_study(tmp_path, STUDY)))}
    assert cells["plain"].prune is None
    assert cells["int4"].prune is None
    assert cells["pruned"].prune is not None
    assert cells["pruned"].prune.least == 2
    assert cells["int4"].quantize.weight_bits == 4
    assert cells["pruned"].quantize.engine == "native"


@pytest.mark.train
def test_a_study_of_smaller_models(tmp_path: Path) -> None:
    text = STUDY.replace('[[treatments]]\nname = "qat"\n', "")
    found = run(cells_of(find_study(tiny_study(tmp_path, text))), tmp_path / "out")
    assert {one.exit_code for one in found.values()} == {0}, [one.error for one in found.values()]
    rows = {row.treatment: row for one in found.values() for row in one.rows}
    assert rows["pruned"].parameters == rows["pruned_qat"].parameters < rows["plain"].parameters == rows["int4"].parameters
    assert (rows["pruned"].macs or 0) < (rows["plain"].macs or 0)
    (path,) = (tmp_path / "out" / "runs").glob("*int4*/student_int8.tflite")
    assert [row.dtype for row in stored_weights(read_file(path))] == ["int8", *["int4"] * 8, "int8"]
