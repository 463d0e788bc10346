"""`tinykd diff`: models by their operators and weights, reports by their figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jsonschema import validate

from tests.compile.models import conv_then_dense
from tests.deploy.commands import tinykd
from tinykd.compile.graph import Graph, Op, Quant, Tensor
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.writer import write_model
from tinykd.deploy.diff import compare_graphs, diff, open_side
from tinykd.errors import UsageError
from tinykd.report.difference import Difference, Quantity, difference_markdown, difference_text
from tinykd.report.distillation import Accuracy, Distillation, Parameters, Samples
from tinykd.report.memory import Budget, Memory
from tinykd.report.run import RunReport


def with_tanh() -> Graph:
    """`conv_then_dense` with a TANH between the two."""
    graph = conv_then_dense()
    tensors = (*graph.tensors, Tensor("squashed", (1, 3, 3, 4), "int8", Quant((1 / 128,), (0,)), source=7))
    conv, dense = graph.ops
    ops = (conv, Op("TANH", (3,), (7,)), replace(dense, inputs=(7, *dense.inputs[1:])))
    return Graph(tensors, ops, graph.inputs, graph.outputs, name="small")


def with_weight(value: int) -> Graph:
    """`conv_then_dense` with one weight of its matrix set."""
    graph = conv_then_dense()
    data = graph.tensors[4].data
    assert data is not None
    changed = data.copy()
    changed[2, 5] = value
    return replace(graph, tensors=tuple(replace(t, data=changed) if t.name == "matrix" else t for t in graph.tensors))


def write(path: Path, graph: Graph) -> Path:
    path.write_bytes(write_model(graph))
    return path


def test_equal_models(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.tflite", conv_then_dense()), write(tmp_path / "b.tflite", conv_then_dense())
    found = diff(open_side(a), open_side(b))
    assert found.same_model
    assert not found.changed
    assert all(quantity.delta == 0 for quantity in found.quantities)
    assert "equal, byte for byte" in difference_text(found)


def test_an_added_operator(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.tflite", conv_then_dense()), write(tmp_path / "b.tflite", with_tanh())
    found = diff(open_side(a), open_side(b))
    added, changed = found.operators
    assert (added.change, added.operator, added.old_index, added.new_index) == ("added", "TANH", None, 1)
    assert (changed.change, changed.operator, changed.old_index, changed.new_index) == ("changed", "FULLY_CONNECTED", 1, 2)
    assert changed.what == ("input 0 quantization: 0.8 -128 -> 0.0078125 +0",)
    assert found.weights == ()
    figures = {quantity.name: quantity for quantity in found.quantities}
    assert (figures["operators"].old, figures["operators"].new, figures["operators"].delta) == (2, 3, 1)
    assert figures["MACs"].delta == 0
    assert figures["weights"].delta == 256  # the table of TANH
    (removed, _) = diff(open_side(b), open_side(a)).operators
    assert (removed.change, removed.old_index, removed.new_index) == ("removed", 1, None)


def test_a_changed_weight_is_counted() -> None:
    data = conv_then_dense().tensors[4].data
    assert data is not None
    before = int(data[2, 5])
    after = before + 3 if before < 100 else before - 3
    operators, (matrix,) = compare_graphs(conv_then_dense(), with_weight(after))
    assert operators == ()
    assert (matrix.operator, matrix.new_name, matrix.elements, matrix.differ, matrix.largest) == ("FULLY_CONNECTED", "matrix", 180, 1, 3.0)


def test_changed_options_and_shapes() -> None:
    graph = conv_then_dense()
    conv, dense = graph.ops
    other = replace(graph, ops=(replace(conv, options=Conv2DOptions(0, 1, 2, 1)), dense))
    (changed,), _ = compare_graphs(graph, other)
    assert changed.what == ("stride_w: 2 -> 1",)
    wider = replace(graph, tensors=(replace(graph.tensors[0], shape=(1, 8, 6, 2)), *graph.tensors[1:]))
    (changed,), _ = compare_graphs(graph, wider)
    assert changed.what == ("input 0 shape: [1, 6, 6, 2] -> [1, 8, 6, 2]",)


def report(flash: int, accuracy: float, stack: int) -> RunReport:
    """A report with figures that are told apart."""
    memory = Memory(
        model="m", model_sha256="0" * 64, target="m4", toolchain="gcc", optimize="size", rounding="single",
        budget=Budget(flash_bytes=1, ram_bytes=1), weights_bytes=1000, code_bytes=flash - 1000, vectors_bytes=0, golden_bytes=0,
        flash_bytes=flash, kernels=(), arena_bytes=500, arena_lower_bound_bytes=500, arena_proved_optimal=True,
        stack_bytes=stack, data_bytes=0, bss_bytes=0,
        ram_bytes=500 + stack, macs=9, layers=(),
    )  # fmt: skip
    accuracies = Accuracy(teacher=0.99, baseline=None, student=accuracy, qat=accuracy, int8=accuracy)
    distillation = Distillation(
        recipe="m", seed=0, command="", samples=Samples(train=1, validation=1, test=1), classes=2, class_names=("a", "b"),
        accuracy=accuracies, validation_accuracy=accuracies, fidelity={}, parameters=Parameters(student=1, teacher=None),
        int8_model_bytes=1, seconds={}, training={}, hashes={}, versions={},
    )  # fmt: skip
    return RunReport(distillation=distillation, memory=memory, verification=None)


def reports(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "old.json", tmp_path / "new.json"
    for path, one in zip(paths, (report(4000, 0.95, 200), report(3000, 0.9625, 260)), strict=True):
        path.write_text(one.model_dump_json())
    return paths


def test_two_reports(tmp_path: Path) -> None:
    old, new = reports(tmp_path)
    found = diff(open_side(old), open_side(new))
    figures = {quantity.name: quantity for quantity in found.quantities}
    assert (figures["flash"].delta, figures["flash"].percent) == (-1000, -25.0)
    assert (figures["RAM"].old, figures["RAM"].new) == (700, 760)
    assert figures["stack"].percent == pytest.approx(30)
    assert figures["accuracy, int8"].delta == pytest.approx(0.0125)
    assert "accuracy, baseline" not in figures  # neither side says
    assert "instructions per inference" not in figures
    assert (found.compared_models, found.same_model) == (False, None)
    text = difference_text(found)
    assert "+1.25 pp" in text
    assert "-25.0 %" in text
    assert "equal" not in text
    markdown = difference_markdown(found)
    assert "| flash, bytes | 4,000 | 3,000 | -1,000 | -25.0 % |" in markdown
    assert "| accuracy, int8 | 95.00 % | 96.25 % | +1.25 pp |  |" in markdown


def test_a_number_that_one_side_lacks() -> None:
    one = Quantity(name="x", unit="bytes", old=None, new=5)
    assert (one.delta, one.percent) == (None, None)
    assert Quantity(name="x", unit="bytes", old=0, new=5).percent is None  # no percentage of nothing


def test_names_stay_in_their_cell() -> None:
    graph = conv_then_dense()
    evil = replace(graph, tensors=tuple(replace(t, name="a|b`c\nd") for t in graph.tensors), ops=graph.ops[:1], outputs=(3,))
    operators, _ = compare_graphs(graph, evil)
    found = Difference(old="a", new="b", quantities=(), operators=operators, compared_models=True, same_model=False)
    renamed, _ = compare_graphs(evil, replace(evil, ops=()))
    shown = difference_markdown(found.model_copy(update={"operators": renamed}))
    assert "`a\\|b'c d`" in shown


def test_a_model_and_a_report_have_nothing_in_common(model: Path, tmp_path: Path) -> None:
    old, _ = reports(tmp_path)
    with pytest.raises(UsageError, match="nothing to compare"):
        diff(open_side(model), open_side(old))


def test_command(model: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.tflite", with_weight(1))
    shown = tinykd("diff", model, other)
    assert shown.returncode == 0
    assert "weights  FULLY_CONNECTED 'matrix': 1 of 180 elements" in shown.stdout
    parsed = json.loads(tinykd("diff", model, other, "--json").stdout)
    validate(parsed, json.loads(tinykd("diff", "--schema").stdout))
    assert parsed["weights"][0]["differ"] == 1
    assert "| weights of |" in tinykd("diff", model, other, "--format", "markdown").stdout


def test_usage_errors(model: Path, tmp_path: Path) -> None:
    assert tinykd("diff", model).returncode == 2
    assert tinykd("diff", model, tmp_path / "none.tflite").returncode == 2
    (tmp_path / "broken.json").write_text("{")
    assert tinykd("diff", tmp_path / "broken.json", tmp_path / "broken.json").returncode == 2
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    assert tinykd("diff", model, tmp_path / "bad.tflite").returncode == 5


def test_two_exports_are_compared_as_models_and_as_measured(model: Path, tmp_path: Path) -> None:
    folders = []
    for name, optimize in (("a", "size"), ("b", "speed")):
        folders.append(tmp_path / name)
        made = tinykd("export", model, "--target", "host", "--no-build", "--optimize", optimize, "--out", folders[-1])
        assert made.returncode == 0, made.stderr
    found = diff(open_side(folders[0]), open_side(folders[1]))
    assert found.compared_models
    assert found.same_model
    assert {"flash", "operators"} <= {quantity.name for quantity in found.quantities}
    np.testing.assert_equal([quantity.name for quantity in found.quantities].count("weights"), 1)
