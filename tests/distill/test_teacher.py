"""Teachers of every kind answer what the network they were made of answers; what cannot be trusted or used is refused."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinykd.distill.keras_modules import keras, native_stderr_hidden, tensorflow, tf_keras
from tinykd.distill.model_config import read_config
from tinykd.distill.teacher import load_teacher
from tinykd.errors import RecipeError, ToolError, UnsupportedModel, UsageError

pytestmark = pytest.mark.train

SHAPE = (4, 4, 1)
X = np.random.default_rng(0).random((7, *SHAPE), dtype=np.float32)


def network(library: Any, activation: str | None = None) -> Any:
    library.utils.set_random_seed(1)
    inputs = library.Input(SHAPE)
    x = library.layers.Conv2D(3, 3, activation="relu")(inputs)
    x = library.layers.Dense(3, activation=activation)(library.layers.Flatten()(x))
    return library.Model(inputs, x)


def save_keras3(folder: Path) -> tuple[Path, Any]:
    model = network(keras())
    model.save(folder / "t.keras")
    return folder / "t.keras", model


def save_legacy_keras(folder: Path) -> tuple[Path, Any]:
    model = network(tf_keras())
    model.save(folder / "t.keras")
    return folder / "t.keras", model


def save_legacy_h5(folder: Path) -> tuple[Path, Any]:
    model = network(tf_keras())
    model.save(folder / "t.h5")
    return folder / "t.h5", model


def save_keras3_h5(folder: Path) -> tuple[Path, Any]:
    model = network(keras())
    model.save(folder / "t.h5")
    return folder / "t.h5", model


def save_saved_model(folder: Path) -> tuple[Path, Any]:
    model = network(tf_keras())
    with native_stderr_hidden():
        model.save(folder / "t", save_format="tf")
    return folder / "t", model


def save_tflite(folder: Path) -> tuple[Path, Any]:
    model = network(tf_keras())
    with native_stderr_hidden():
        data = tensorflow().lite.TFLiteConverter.from_keras_model(model).convert()
    (folder / "t.tflite").write_bytes(data)
    return folder / "t.tflite", model


SAVERS: list[Callable[[Path], tuple[Path, Any]]] = [
    save_keras3, save_legacy_keras, save_legacy_h5, save_keras3_h5, save_saved_model, save_tflite
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("save", SAVERS)
def test_the_loaded_teacher_is_the_saved_one(tmp_path: Path, save: Callable[[Path], tuple[Path, Any]]) -> None:
    path, model = save(tmp_path)
    teacher = load_teacher(path, "logits", SHAPE, 3)
    np.testing.assert_allclose(teacher.logits(X), np.asarray(model(X)), atol=1e-5)
    assert teacher.network.parameters in (model.count_params(), None)


def test_probabilities_become_logits_by_their_logarithm(tmp_path: Path) -> None:
    model = network(keras(), "softmax")
    model.save(tmp_path / "t.keras")
    logits = load_teacher(tmp_path / "t.keras", "probabilities", SHAPE, 3).logits(X)
    np.testing.assert_allclose(np.exp(logits), np.asarray(model(X)), rtol=1e-5)
    with pytest.raises(RecipeError, match="probabilities, not logits"):
        load_teacher(tmp_path / "t.keras", "logits", SHAPE, 3).logits(X)


def test_logits_are_not_taken_for_probabilities(tmp_path: Path) -> None:
    path, _ = save_keras3(tmp_path)
    with pytest.raises(RecipeError, match="do not sum to 1"):
        load_teacher(path, "probabilities", SHAPE, 3).logits(X)


def test_wrong_shapes_are_refused_before_training(tmp_path: Path) -> None:
    path, _ = save_keras3(tmp_path)
    with pytest.raises(UnsupportedModel, match=r"\[4, 4, 1\].*\[8, 8, 1\]"):
        load_teacher(path, "logits", (8, 8, 1), 3)
    with pytest.raises(UnsupportedModel, match="10 classes"):
        load_teacher(path, "logits", SHAPE, 10).logits(X)


def marker(folder: Path) -> Path:
    return folder / "code-was-run"


def hostile_lambda(library: Any, folder: Path) -> Any:
    target = str(marker(folder))
    inputs = library.Input(SHAPE)
    run = library.layers.Lambda(lambda x: (open(target, "w").close(), x)[1], output_shape=SHAPE, name="evil")  # noqa: PTH123
    return library.Model(inputs, library.layers.Dense(3)(library.layers.Flatten()(run(inputs))))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file", "ignore:The `tf_keras.layers.Lambda`")
@pytest.mark.parametrize(("module", "suffix"), [(keras, ".keras"), (tf_keras, ".keras"), (tf_keras, ".h5"), (keras, ".h5")])
def test_code_inside_a_file_is_never_run(tmp_path: Path, module: Callable[[], Any], suffix: str) -> None:
    path = tmp_path / f"evil{suffix}"
    hostile_lambda(module(), tmp_path).save(path)
    marker(tmp_path).unlink(missing_ok=True)
    with pytest.raises(UnsupportedModel, match="evil"):
        load_teacher(path, "logits", SHAPE, 3)
    assert not marker(tmp_path).exists()


def test_a_configuration_cannot_name_any_function(tmp_path: Path) -> None:
    path = tmp_path / "evil.keras"
    config = {"class_name": "system", "module": "os", "registered_name": None, "config": {"name": "evil", "command": "true"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.10.0"}))
        archive.writestr("config.json", json.dumps(config))
    with pytest.raises(UnsupportedModel, match="outside Keras"):
        read_config(path)


@pytest.mark.parametrize("name", ["t.keras", "t.h5", "t.tflite"])
def test_damaged_files_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n nothing useful here")
    with pytest.raises(UnsupportedModel):
        load_teacher(tmp_path / name, "logits", SHAPE, 3)


def test_unknown_kinds_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no teacher at"):
        load_teacher(tmp_path / "none.keras", "logits", SHAPE, 3)
    (tmp_path / "t.pt").write_bytes(b"")
    with pytest.raises(UsageError, match=r"\.pt"):
        load_teacher(tmp_path / "t.pt", "logits", SHAPE, 3)


@pytest.mark.skipif("TINYKD_TEACHERS" not in os.environ, reason="TINYKD_TEACHERS names no folder")
@pytest.mark.parametrize(
    ("name", "shape", "classes"), [("mlperf_pretrainedResnet.h5", (32, 32, 3), 10), ("mlperf_vww_96.h5", (96, 96, 3), 2)]
)
def test_published_teachers_load(name: str, shape: tuple[int, ...], classes: int) -> None:
    teacher = load_teacher(Path(os.environ["TINYKD_TEACHERS"]) / name, "probabilities", shape, classes)
    logits = teacher.logits(np.random.default_rng(0).random((2, *shape), dtype=np.float32))
    np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1.0, atol=1e-3)


def onnx_of(model: Any, path: Path, batch: int | None = None, dtype: str = "FLOAT") -> Path:
    """The network of this file as PyTorch would export it: channels first, the dense layer's rows in that order."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel, bias, dense, offset = (np.asarray(weight) for weight in model.get_weights())
    rows = dense.reshape(2, 2, 3, 3).transpose(2, 0, 1, 3).reshape(12, 3)
    constants = {"kernel": kernel.transpose(3, 2, 0, 1), "bias": bias, "dense": rows, "offset": offset}
    nodes = [
        helper.make_node("Conv", ["x", "kernel", "bias"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["on"]),
        helper.make_node("Flatten", ["on"], ["flat"]),
        helper.make_node("Gemm", ["flat", "dense", "offset"], ["logits"]),
    ]
    size = "samples" if batch is None else batch
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", getattr(TensorProto, dtype), [size, 1, 4, 4])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [size, 3])],
        [numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


@pytest.mark.parametrize("batch", [None, 1, 4])
def test_an_onnx_teacher_with_channels_first(tmp_path: Path, batch: int | None) -> None:
    model = network(keras())
    teacher = load_teacher(onnx_of(model, tmp_path / "t.onnx", batch), "logits", SHAPE, 3)
    np.testing.assert_allclose(teacher.logits(X), np.asarray(model(X)), atol=1e-5)
    assert teacher.input_layout == "channels_first"
    assert list(teacher.layers) == ["logits"]
    with pytest.raises(UnsupportedModel, match=r"\[1, 4, 4\].*\[8, 8, 1\]"):
        load_teacher(tmp_path / "t.onnx", "logits", (8, 8, 1), 3)


def test_onnx_without_its_runtime_or_of_no_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x07 nothing useful here")
    with pytest.raises(UnsupportedModel, match="cannot load it"):
        load_teacher(tmp_path / "bad.onnx", "logits", SHAPE, 3)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ToolError, match="onnxruntime, which is not installed"):
        load_teacher(tmp_path / "bad.onnx", "logits", SHAPE, 3)


def test_maps_with_channels_first_are_read_channels_last(tmp_path: Path) -> None:
    library = keras()
    inputs = library.Input(SHAPE)
    maps = library.layers.Conv2D(5, 3, name="maps")(inputs)
    first = library.layers.Permute((3, 1, 2), name="first")(maps)
    model = library.Model(inputs, library.layers.Dense(3)(library.layers.Flatten()(first)))
    model.save(tmp_path / "t.keras")
    teacher = load_teacher(tmp_path / "t.keras", "logits", SHAPE, 3, "channels_first")
    expected = library.Model(inputs, maps)(X, training=False)
    assert teacher.layers["first"] == (2, 2, 5)
    outputs = teacher.reader(("first",))(X)
    np.testing.assert_allclose(outputs["first"], expected, atol=1e-6)
    np.testing.assert_allclose(outputs["logits"], teacher.logits(X), atol=1e-6)


def test_a_teacher_without_layers_says_so(tmp_path: Path) -> None:
    path, _ = save_tflite(tmp_path)
    teacher = load_teacher(path, "logits", SHAPE, 3)
    assert list(teacher.layers) == ["logits"]
    with pytest.raises(UnsupportedModel, match="shows no layers"):
        teacher.reader(("conv2d",))
