"""Hostile and damaged `.tflite` bytes: always a TinykdError, never a crash, a hang or a memory blow-up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compile.models import conv_then_dense, conv_then_dense_bytes
from tinykd.compile.planner.plan import plan
from tinykd.compile.program import lower
from tinykd.compile.reader import read_file, read_model
from tinykd.errors import TinykdError, UnsupportedModel, UsageError

MUTATIONS = 3000


def test_what_is_written_is_read() -> None:
    graph, back = conv_then_dense(), read_model(conv_then_dense_bytes(), "small")
    assert back.ops == graph.ops
    assert (back.inputs, back.outputs, back.name) == (graph.inputs, graph.outputs, "small")
    for wrote, read in zip(graph.tensors, back.tensors, strict=True):
        assert (read.name, read.shape, read.dtype) == (wrote.name, wrote.shape, wrote.dtype)
        assert wrote.quant is not None
        assert read.quant is not None
        np.testing.assert_array_equal(np.float32(read.quant.scales), np.float32(wrote.quant.scales))
        assert read.quant.zero_points == wrote.quant.zero_points
        if wrote.data is not None:
            np.testing.assert_array_equal(read.data, wrote.data)


@pytest.mark.parametrize("length", [0, 1, 4, 7, 8, 20, 100])
def test_truncated_file(length: int) -> None:
    with pytest.raises(UnsupportedModel):
        read_model(conv_then_dense_bytes()[:length])


def test_every_truncation_is_an_error_or_a_smaller_model() -> None:
    model = conv_then_dense_bytes()
    for length in range(0, len(model), 7):
        with pytest.raises(TinykdError):
            read_model(model[:length])


def test_mutated_files() -> None:
    """Bytes flipped, words replaced by extremes, pieces copied over others: read, lower and plan never crash."""
    model = np.frombuffer(conv_then_dense_bytes(), np.uint8)
    rng = np.random.default_rng(7)
    refused = 0
    for _ in range(MUTATIONS):
        damaged = model.copy()
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(0, len(model) - 8))
            kind = rng.integers(0, 3)
            if kind == 0:
                damaged[at] ^= 1 << int(rng.integers(0, 8))
            elif kind == 1:
                word = rng.choice(np.array([0, 1, -1, 2**31 - 1, -(2**31), 65535, 1 << 24]))
                damaged[at : at + 4] = np.frombuffer(np.int32(word).tobytes(), np.uint8)
            else:
                source = int(rng.integers(0, len(model) - 8))
                damaged[at : at + 8] = model[source : source + 8]
        try:
            plan(lower(read_model(damaged.tobytes())))
        except TinykdError:
            refused += 1
    assert refused > MUTATIONS // 10


@pytest.mark.parametrize(
    ("file", "name"), [("model", "network"), ("_", "network"), ("Model-2 (final)", "model_2_final"), ("2nd", "model_2nd"), ("kws", "kws")]
)
def test_names_for_c(file: str, name: str) -> None:
    """`tinykd_model_invoke` is what the firmware calls for any model; a model of that name would define it twice."""
    assert read_model(conv_then_dense_bytes(), file).name == name


def test_missing_file_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing\.tflite"):
        read_file(tmp_path / "nothing.tflite")


def test_a_keras_file_is_not_a_tflite(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 200)
    with pytest.raises(UnsupportedModel, match=r"TFL3|TensorFlow Lite"):
        read_file(path)


def test_unknown_operator_is_named() -> None:
    graph = conv_then_dense()
    model = bytearray(conv_then_dense_bytes())
    assert graph.ops[0].kind == "CONV_2D"
    from tinykd.compile.graph import Graph, Op

    strange = Graph(graph.tensors, (Op("WAVELET", (0,), (3,)), graph.ops[1]), (0,), (6,))
    with pytest.raises(UnsupportedModel, match=r"operator 0 WAVELET \('features'\)"):
        lower(strange)
    assert model
