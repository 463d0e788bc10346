"""Runs with the native engine: interrupted, without training, with features among the losses; and what the recipe refuses."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from tests.distill.small import small_recipe
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.recipe.model import Quantize, Recipe
from tinykd.report.quantization_error import QuantizationError, advice, quantization_error_text
from tinykd.report.run import open_report, report_text

FILES = ("student_int8.tflite", "predictions/qat.npz", "predictions/int8.npz")


@dataclass
class InterruptInQuantization(QuietProgress):
    """Ctrl-C at the given step of the stage quantize."""

    step_number: int
    stage: str = ""

    def start(self, stage: str, *arguments: Any) -> None:  # noqa: ARG002
        self.stage = stage

    def step(self) -> None:
        self.step_number -= self.stage == "quantize"
        if self.stage == "quantize" and self.step_number == 0:
            raise KeyboardInterrupt


def run(recipe: Recipe, out: Path, progress: QuietProgress | None = None) -> dict[str, Any]:
    return distill(recipe, out, command="test", progress=progress or QuietProgress())


@pytest.mark.train
def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path: Path) -> None:
    changes = {"engine": "native", "ranges": "learned", "freeze_batch_norm": 1, "train": {"epochs": 3, "batch_size": 32}}
    losses = [{"name": "kd"}, {"name": "similarity", "pairs": [["block1_pointwise_relu", "dense1_relu"]]}]
    recipe = small_recipe(tmp_path, quantize=changes, distill={"baseline": False, "losses": losses})
    run(recipe, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        run(recipe, tmp_path / "broken", InterruptInQuantization(3))
    run(recipe, tmp_path / "broken")
    for name in FILES:
        assert (tmp_path / "broken" / name).read_bytes() == (tmp_path / "unbroken" / name).read_bytes(), name
    with np.load(tmp_path / "broken/predictions/qat.npz") as qat, np.load(tmp_path / "broken/predictions/int8.npz") as int8:
        np.testing.assert_allclose(qat["test"], int8["test"], atol=1e-5)
    # The same run without training: the float student, rounded.
    section = run(
        small_recipe(tmp_path, quantize={"engine": "native", "method": "ptq"}, distill=recipe.distill.model_dump()), tmp_path / "broken"
    )
    assert "quantize" not in section["training"]
    report = open_report(tmp_path / "broken")
    assert report.quantization_error is not None
    assert report.quantization_error.method == "ptq"
    assert report.quantization_error.layers[-1].layer == "logits"
    assert "worst layers" in report_text(report)
    json.loads((tmp_path / "broken" / "report.json").read_text())


def test_what_tfmot_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError, match="ranges needs engine"):
        Quantize(engine="tfmot", ranges="learned")
    with pytest.raises(ValidationError, match="equalize, bias_correction needs"):
        Quantize(engine="tfmot", equalize="cross-layer", bias_correction="measured")
    Quantize(engine="tfmot", method="ptq")


def test_the_worst_layers_come_first_with_what_to_do() -> None:
    def layer(name: str, own: float, **values: Any) -> dict[str, Any]:
        found = {"sqnr": 20.0, "weights_sqnr": 40.0, "values_sqnr": own, "clipped": 0.0, "channel_spread": 2.0}
        return {"layer": name, "own_sqnr": own, **found, **values}

    layers = [
        layer("good", 45.0),
        layer("clipped", 20.0, clipped=0.02),
        layer("spread", 15.0, channel_spread=90.0),
        layer("weights", 18.0, weights_sqnr=18.0, values_sqnr=40.0),
        layer("values", 25.0),
    ]
    section = QuantizationError.model_validate({"engine": "native", "method": "qat", "samples": 9, "layers": layers})
    found = [line.split()[0] for line in quantization_error_text(section).splitlines()[2:]]
    assert found == ["spread", "weights", "clipped", "values", "good"]
    told = {one.layer: advice(one) for one in section.layers}
    assert told["good"] == "fine"
    assert "2 % clipped" in told["clipped"]
    assert "cross-layer" in told["spread"]
    assert "learned" in told["weights"]
    assert "mse" in told["values"]
