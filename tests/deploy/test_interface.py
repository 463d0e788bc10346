"""Firmware with integers at its ends: proven against the model as it is, and a front end that quantizes otherwise is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compile.test_integer_io import with_ends
from tinykd.compile.graph import Quant, Tensor
from tinykd.compile.passes import compile_graph
from tinykd.compile.writer import write_model
from tinykd.deploy.export import export
from tinykd.deploy.interface import integers, model_input
from tinykd.deploy.reference import LiteRT, reference
from tinykd.deploy.source import open_source
from tinykd.deploy.verify import check, choose_vectors, verify
from tinykd.errors import ToolError
from tinykd.recipe.model import Export


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("rounding", ["single", "double"])
def test_exact_against_the_unchanged_model(tmp_path: Path, dtype: str, rounding: str) -> None:
    path = tmp_path / "ends.tflite"
    path.write_bytes(write_model(with_ends(dtype)))
    exported = export(open_source(path), Export(target="m4", rounding=rounding, also=("integer-io",)), tmp_path / "tree")  # type: ignore[arg-type]
    proof, _ = verify(exported, choose_vectors(exported, 6, 0), layers=True)
    check(proof)
    assert proof.compared == 6 * (5 + 36 + 5)
    text = (tmp_path / "tree" / "include" / "tinykd_ends.h").read_text()
    assert "#define TINYKD_ENDS_INPUT_BYTES 72" in text
    assert "#define TINYKD_ENDS_INPUT_ZERO_POINT (-3)" in text


@pytest.mark.parametrize("scale", [1e-30, 0.1, 0.0039215689, 7e20])
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_every_integer_comes_back(scale: float, dtype: str) -> None:
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    tensor = Tensor("x", every.shape, dtype, Quant((float(np.float32(scale)),), (0 if dtype == "int16" else -77,)))
    np.testing.assert_array_equal(integers(tensor, model_input(tensor, every, "float32")), every)


def test_a_judge_that_quantizes_otherwise_is_noticed() -> None:
    graph = with_ends("float32")
    program = compile_graph(graph, with_also=["integer-io"])
    judge = reference(program, write_model(graph))
    assert isinstance(judge, LiteRT)
    x = np.zeros((1, 6, 6, 2), np.int8)
    judge.run([x])
    with pytest.raises(ToolError, match="other integers"):
        judge._check_inputs([x + np.int8(1)])
