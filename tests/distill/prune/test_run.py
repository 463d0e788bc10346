"""Whole runs with a [prune] table: files, resuming, engines, sparse weights through quantization, and what is refused before training."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.distill.small import small_recipe
from tinykd.compile.reader import read_file
from tinykd.distill.keras_files import load_keras
from tinykd.distill.preflight import check_recipe
from tinykd.distill.progress import QuietProgress
from tinykd.distill.prune.amount import CORES
from tinykd.distill.run import distill
from tinykd.errors import OverBudget, RecipeError
from tinykd.recipe.model import Recipe
from tinykd.recipe.prune import Prune
from tinykd.recipe.toml import load_recipe, show
from tinykd.report.run import open_report, report_text
from tinykd.target.features import FEATURES

TRAIN = {"epochs": 2, "batch_size": 32}
HINT = {"name": "hint", "pairs": [["block1_pointwise_relu", "dense1_relu"]], "weight": 0.1}


@dataclass
class InterruptInPruning(QuietProgress):
    """Ctrl-C at the given step of the stage prune."""

    step_number: int
    stage: str = ""

    def start(self, stage: str, *arguments: Any) -> None:  # noqa: ARG002
        self.stage = stage

    def step(self) -> None:
        self.step_number -= self.stage == "prune"
        if self.stage == "prune" and self.step_number == 0:
            raise KeyboardInterrupt


def recipe_with(folder: Path, prune: dict[str, Any], **changes: Any) -> Recipe:
    student = {"net": "ds_cnn", "knobs": {"width": [4, 8], "depth": 1, "strides": [1, 2]}}
    given = {"student": student, "distill": {"baseline": False, "losses": [{"name": "kd"}, HINT]}, **changes}
    recipe = small_recipe(folder, **given)
    return recipe.model_copy(
        update={"prune": Prune.model_validate({"least": 1, "train": TRAIN, **prune} if "method" not in prune else prune)}
    )


def run(recipe: Recipe, out: Path, progress: QuietProgress | None = None) -> dict[str, Any]:
    return distill(recipe, out, command="test", progress=progress or QuietProgress())


@pytest.mark.train
@pytest.mark.parametrize("engine", ["tfmot", "native"])
def test_a_pruned_run(tmp_path: Path, engine: str) -> None:
    recipe = recipe_with(tmp_path, {"fraction": 0.5}, quantize={"engine": engine, "train": TRAIN})
    section = run(recipe, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "broken", InterruptInPruning(3))
    run(recipe, tmp_path / "broken")
    for name in ("pruned.keras", "pruned_helpers.npz", "student_int8.tflite"):
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes(), name
    student, pruned = (load_keras(tmp_path / "unbroken" / f"{name}.keras") for name in ("student", "pruned"))
    assert pruned.get_layer("block1_pointwise").kernel.shape == (1, 1, 2, 4)
    assert [layer.name for layer in pruned.layers[1:]] == [layer.name for layer in student.layers[1:]]
    graph = read_file(tmp_path / "unbroken" / "student_int8.tflite")
    assert max(tensor.shape[-1] for tensor in graph.tensors if tensor.shape and not tensor.is_constant) == 4
    assert section["parameters"]["student"] == pruned.count_params() < student.count_params()
    report = open_report(tmp_path / "unbroken")
    assert report.pruning is not None
    assert report.pruning.parameters.after == pruned.count_params()
    assert report.pruning.flash.after is not None
    assert report.pruning.flash.after < (report.pruning.flash.before or 0)
    assert report.distillation is not None
    assert report.distillation.accuracy.pruned == report.pruning.accuracy.pruned.test
    assert "conv 4 -> 2, block1_pointwise 8 -> 4" in report_text(report)
    assert "student, pruned" in report_text(report)


@pytest.mark.train
def test_zeros_stay_zeros_and_flash_stays_as_it_is(tmp_path: Path) -> None:
    recipe = recipe_with(tmp_path, {"method": "weights", "fraction": 0.75, "train": TRAIN}, quantize={"engine": "native", "train": TRAIN})
    run(recipe, tmp_path / "run")
    run(recipe.model_copy(update={"prune": None}), tmp_path / "dense")
    for layer in load_keras(tmp_path / "run" / "pruned.keras").layers:
        if layer.variables and hasattr(layer, "kernel"):
            assert np.mean(np.asarray(layer.kernel) == 0) >= 0.7, layer.name
    graph = read_file(tmp_path / "run" / "student_int8.tflite")
    weights = [tensor.data for tensor in graph.tensors if tensor.dtype == "int8" and tensor.data is not None]
    assert weights
    assert all(np.mean(one == 0) >= 0.7 for one in weights)
    sizes = {one: (tmp_path / one / "student_int8.tflite").stat().st_size for one in ("run", "dense")}
    assert abs(sizes["run"] - sizes["dense"]) < 64, "zeros take as many bytes"
    report = open_report(tmp_path / "run")
    assert report.pruning is not None
    assert report.pruning.flash.before == report.pruning.flash.after
    assert "flash, RAM and time stay as they were" in report_text(report)
    assert json.loads((tmp_path / "dense" / "report.json").read_text())["pruning"] is None


def test_what_does_not_go_together_is_refused_before_training(tmp_path: Path) -> None:
    resnet = {"net": "resnet8", "knobs": {"width": 4}}
    with pytest.raises(RecipeError, match="pruned resnet8") as caught:
        check_recipe(recipe_with(tmp_path, {}, student=resnet, quantize={"engine": "tfmot"}), None)
    assert 'engine = "native"' in caught.value.hint
    check_recipe(recipe_with(tmp_path, {}, student=resnet, quantize={"engine": "native"}), None)
    with pytest.raises(RecipeError, match="keeps zeros"):
        check_recipe(recipe_with(tmp_path, {"method": "weights"}, quantize={"engine": "tfmot"}), None)
    with pytest.raises(RecipeError, match="no zero"):
        check_recipe(recipe_with(tmp_path, {"method": "weights"}, quantize={"engine": "native", "weight_bits": 2}), None)


@pytest.mark.train
def test_a_target_out_of_reach_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(OverBudget, match="parameters at the least, not 5"):
        run(recipe_with(tmp_path, {"parameters": 5}), tmp_path / "run")
    with pytest.raises(RecipeError, match="eight_bits names frist"):
        run(small_recipe(tmp_path, quantize={"engine": "native", "weight_bits": 4, "eight_bits": ["frist"]}), tmp_path / "run")
    assert not (tmp_path / "run" / "stages").exists()


def test_flash_is_that_of_every_kind_of_core() -> None:
    """`distill` does not know targets, so it has a list of its own."""
    assert set(CORES) == {(), *FEATURES.values()}


def test_the_table() -> None:
    assert Prune().share == 0.5
    assert Prune(parameters=1000).share is None
    with pytest.raises(ValidationError, match="fraction and flash both say how much"):
        Prune(fraction=0.5, flash="10 KiB")
    with pytest.raises(ValidationError, match="macs needs method"):
        Prune(method="weights", macs=1000)


def test_a_recipe_file_with_the_table(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text('[prune]\nflash = "8 KiB"\n')
    recipe = load_recipe(path)
    assert recipe.prune is not None
    assert recipe.prune.flash == "8 KiB"
    path.write_text(show(recipe))
    assert load_recipe(path) == recipe
    assert load_recipe("digits", ["prune.fraction=0.25"]).prune == Prune(fraction=0.25)
    path.write_text("[prune]\nfractoin = 0.5\n")
    with pytest.raises(RecipeError, match=r"recipe.toml:2.*unknown key"):
        load_recipe(path)
