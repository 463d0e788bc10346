"""`tinykd inspect`: figures against values by hand, fates against the passes that make them, refusals in place."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import validate

from tests.compile.models import conv_then_dense
from tests.deploy.commands import tinykd
from tests.fuzz.chains import random_graph
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.reader import read_model
from tinykd.compile.writer import write_model
from tinykd.deploy.inspect import check, inspect
from tinykd.errors import UnsupportedModel, UsageError
from tinykd.report.inspection import Inspection, inspection_text


def padded_conv_relu(kind: str = "RELU") -> Graph:
    """int8 [1, 4, 4, 1] -> PAD by 1 -> CONV_2D 3x3 -> `kind`, all on one scale: PAD and RELU move into the convolution."""
    quant = Quant((0.1,), (-5,))
    weights, bias = np.arange(-4, 5, dtype=np.int8).reshape(1, 3, 3, 1), np.array([7], np.int32)
    tensors = (
        Tensor("image", (1, 4, 4, 1), "int8", quant, source=0),
        Tensor("borders", (4, 2), "int32", None, np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32), 1),
        Tensor("padded", (1, 6, 6, 1), "int8", quant, source=2),
        Tensor("kernel", (1, 3, 3, 1), "int8", Quant((0.02,), (0,)), weights, 3),
        Tensor("bias", (1,), "int32", Quant((0.002,), (0,)), bias, 4),
        Tensor("conv", (1, 4, 4, 1), "int8", quant, source=5),
        Tensor("result", (1, 4, 4, 1), "int8", quant, source=6),
    )
    ops = (Op("PAD", (0, 1), (2,)), Op("CONV_2D", (2, 3, 4), (5,), Conv2DOptions(1, 1, 1)), Op(kind, (5,), (6,)))
    return Graph(tensors, ops, (0,), (6,), name="padded")


def test_figures_by_hand() -> None:
    found = inspect(conv_then_dense())
    conv, dense = found.layers
    # 3x3 outputs of 4 channels, each over a 3x3x2 window; then 36 inputs to 5 outputs
    assert (conv.macs, dense.macs, found.macs) == (3 * 3 * 4 * 18, 36 * 5, 3 * 3 * 4 * 18 + 36 * 5)
    # 72 bytes of image beside 36 of features; then features beside 5 logits, rounded up to words
    assert dense.arena_bytes == 36 + 8
    assert conv.kernel == "tinykd_conv_2d_s8"
    assert [t.shape for t in conv.inputs] == [(1, 6, 6, 2), (4, 3, 3, 2), (4,)]
    assert conv.inputs[1].scales == (0.01, 0.02, 0.03, 0.04)
    assert (conv.inputs[1].axis, conv.inputs[1].constant_bytes, conv.inputs[0].constant_bytes) == (0, 72, 0)
    assert dense.weights_bytes >= 5 * 36 + 5 * 4


def test_merged_operators_name_their_heir_and_pass() -> None:
    pad, conv, relu = inspect(padded_conv_relu()).layers
    assert [layer.fate for layer in (pad, conv, relu)] == ["merged", "merged", "kernel"]
    assert pad.passes == ("fold-padding",)
    assert conv.passes == ("fuse-clamps",)
    assert relu.kernel == "tinykd_conv_2d_s8"
    assert "its work is done by operator 2 RELU ('result')" in (pad.why, conv.why)
    assert "CONV_2D" in relu.why
    assert set(relu.passes) == {"fuse-clamps", "fold-padding"}


def test_a_pass_left_out_leaves_its_operator() -> None:
    pad, *_ = inspect(padded_conv_relu(), without=("fold-padding",)).layers
    assert (pad.fate, pad.kernel) == ("kernel", "tinykd_pad_8")
    with pytest.raises(UsageError, match="no pass"):
        inspect(padded_conv_relu(), without=("fold-everything",))


@pytest.mark.parametrize("seed", range(30))
def test_totals_are_those_of_the_export(seed: int) -> None:
    """Whatever the rewrites do: the same arena and MACs as what is compiled, and every kernel call shown once."""
    graph = read_model(write_model(random_graph(seed).graph))
    found, program = inspect(graph), compile_graph(graph)
    assert (found.macs, found.arena_bytes) == (program.macs, plan_for(program, "balanced").arena_bytes)
    shown = [layer for layer in found.layers if layer.fate in ("kernel", "view")]
    assert len(shown) == len(program.layers)
    assert sorted(layer.kernel for layer in shown) == sorted(getattr(layer.call, "function", "") for layer in program.layers)
    assert sum(layer.macs for layer in found.layers) == found.macs
    assert [layer.index for layer in found.layers if layer.index is not None] == list(range(len(graph.ops)))


def test_refusals_stand_in_their_place() -> None:
    graph = padded_conv_relu("WAVELET")
    found = inspect(graph)
    assert [layer.fate for layer in found.layers] == ["merged", "kernel", "refused"]
    assert found.layers[2].why.startswith("operator 2 WAVELET ('result') is not among the")
    assert found.layers[2].hint
    assert "REFUSED" in inspection_text(found)
    with pytest.raises(UnsupportedModel, match="operator 2 WAVELET"):
        check(found)


def test_a_wrong_dtype_is_a_refusal_with_its_reason() -> None:
    graph = padded_conv_relu()
    tensors = tuple(replace(t, dtype="float32", quant=None) if t.name in ("conv", "result") else t for t in graph.tensors)
    found = inspect(replace(graph, tensors=tensors))
    assert [layer.fate for layer in found.layers].count("refused") == 2
    assert "float32" in found.layers[1].why


def test_dead_and_constant_operators() -> None:
    quant = Quant((0.1,), (0,))
    tensors = (
        Tensor("x", (1, 4), "int8", quant, source=0),
        Tensor("c", (1, 4), "int8", quant, np.array([[1, 2, 3, 4]], np.int8), 1),
        Tensor("dead", (1, 4), "int8", quant, source=2),
        Tensor("folded", (1, 4), "int8", quant, source=3),
        Tensor("y", (1, 4), "int8", quant, source=4),
    )
    ops = (Op("TANH", (0,), (2,)), Op("RELU", (1,), (3,)), Op("MAXIMUM", (0, 3), (4,)))
    dead, folded, kept = inspect(Graph(tensors, ops, (0,), (4,))).layers
    assert (dead.fate, dead.passes) == ("removed", ("dead-code",))
    assert (folded.fate, folded.passes) == ("constant", ("fold-constants",))
    assert kept.fate == "kernel"


def test_command_prints_text_and_json(model: Path) -> None:
    shown = tinykd("inspect", model)
    assert shown.returncode == 0
    assert "_dsp_s8" in shown.stdout
    portable = tinykd("inspect", model, "--target", "host")
    assert "tinykd_conv_2d_s8" in portable.stdout
    assert "_dsp_s8" not in portable.stdout
    assert "int8 [4, 3, 3, 2] 4 scales on axis 0, 72 bytes" in shown.stdout
    parsed = json.loads(tinykd("inspect", model, "--json").stdout)
    validate(parsed, json.loads(tinykd("inspect", "--schema").stdout))
    assert Inspection.model_validate(parsed).layers[0].operator == "CONV_2D"


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_command_exits_5_after_printing_everything(form: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "strange.tflite"
    graph = padded_conv_relu()
    tensors = tuple(replace(t, dtype="int32") if t.name == "result" else t for t in graph.tensors)
    path.write_bytes(write_model(replace(graph, tensors=tensors)))
    shown = tinykd("inspect", path, *form)
    assert shown.returncode == 5
    for name in ("PAD", "CONV_2D", "RELU", "result"):
        assert name in shown.stdout
    if form:
        assert [layer["fate"] for layer in json.loads(shown.stdout)["layers"]][-1] == "refused"


def test_no_tensorflow_and_no_interpreter_is_loaded(model: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom tinykd.cli.main import main\n"
        f"try: main(['inspect', {str(model)!r}])\nexcept SystemExit as e: assert not e.code, e.code\n"
        "print('LOADED', *sorted({n.split('.')[0] for n in sys.modules} & {'tensorflow', 'keras', 'ai_edge_litert'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1].split() == ["LOADED"]


def test_a_large_model_takes_little_work() -> None:
    """300 kB of weights: processor time, for the clock on the wall measures the machine."""
    rng = np.random.default_rng(0)
    graph = padded_conv_relu()
    quant = graph.tensors[0].quant
    kernel = rng.integers(-127, 128, (100, 3, 3, 340)).astype(np.int8)
    sizes = {"image": (1, 4, 4, 340), "padded": (1, 6, 6, 340), "conv": (1, 4, 4, 100), "result": (1, 4, 4, 100)}
    tensors = [replace(t, shape=sizes.get(t.name, t.shape)) for t in graph.tensors]
    tensors[3] = Tensor("kernel", kernel.shape, "int8", Quant((0.02,), (0,)), kernel, 3)
    tensors[4] = Tensor("bias", (100,), "int32", Quant((0.002,), (0,)), np.zeros(100, np.int32), 4)
    assert quant is not None
    model = write_model(replace(graph, tensors=tuple(tensors)))
    assert len(model) > 300_000
    started = time.process_time()
    inspect(read_model(model))
    assert time.process_time() - started < 1
