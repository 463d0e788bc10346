"""Other people's models, integer for integer: the folder that TINYKD_CONFORMANCE names, and one model of our own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.compile.models import conv_then_dense_bytes
from tests.deploy.commands import tinykd
from tinykd.compile.litert import ReferenceInterpreter
from tinykd.deploy.conformance import conformance

FOLDER = os.environ.get("TINYKD_CONFORMANCE")

MUST_BE_EXACT = {"mlperf_ad", "mlperf_ic", "mlperf_kws", "mlperf_vww", "hello_world", "micro_speech"}
"""Whatever else the folder holds, these are never refused."""


@pytest.mark.skipif(FOLDER is None, reason="TINYKD_CONFORMANCE names no folder of models")
@pytest.mark.slow
def test_no_model_of_the_folder_shows_a_defect() -> None:
    assert FOLDER is not None
    outcomes = list(conformance(Path(FOLDER)))
    for outcome in outcomes:
        print(outcome)  # noqa: T201
    assert [str(o) for o in outcomes if o.verdict == "defect"] == []
    here = {o.name for o in outcomes}
    assert {o.name for o in outcomes if o.verdict == "exact"} >= MUST_BE_EXACT & here
    assert any(o.verdict == "exact" for o in outcomes)


def test_exact_refused_and_defect(tmp_path: Path) -> None:
    model = conv_then_dense_bytes()
    x = np.random.default_rng(0).integers(-128, 128, (1, 6, 6, 2)).astype(np.int8)
    (y,) = ReferenceInterpreter(model).run([x])
    for name, output in {"good": y, "wrong": y + np.int8(1)}.items():
        (tmp_path / f"{name}.tflite").write_bytes(model)
        np.savez(tmp_path / f"{name}.npz", input0_0=x, output0_0=output)
    (tmp_path / "broken.tflite").write_bytes(model[:200])
    (tmp_path / "unrecorded.tflite").write_bytes(model)
    outcomes = {o.name: o.verdict for o in conformance(tmp_path, ("host",))}
    assert outcomes == {"broken": "refused", "good": "exact", "unrecorded": "exact", "wrong": "defect"}
    shown = tinykd("conformance", tmp_path, "--target", "host")
    assert shown.returncode == 4
    assert "wrong: defect: " in shown.stdout
    assert "good: exact" in shown.stdout


def test_a_folder_without_models_is_an_error(tmp_path: Path) -> None:
    assert tinykd("conformance", tmp_path).returncode == 2
