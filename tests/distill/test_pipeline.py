"""A whole tiny run: what it writes, what it computes again, and what it refuses before training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.distill.small import CLASSES, small_data, small_pipeline, small_recipe
from tinykd.cli.main import main
from tinykd.compile.reader import read_file
from tinykd.distill.evaluation import accuracy
from tinykd.distill.keras_files import load_keras
from tinykd.distill.keras_modules import keras
from tinykd.distill.preflight import check_recipe, check_space
from tinykd.distill.progress import QuietProgress
from tinykd.distill.report import NETWORKS
from tinykd.distill.run import distill
from tinykd.errors import RecipeError, ToolError, UsageError
from tinykd.quantize.integers import TfliteModel
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import show
from tinykd.resources import models_folder
from tinykd.run import RunDirectory

pytestmark = pytest.mark.train


VERIFICATION = json.loads((models_folder() / "mnist/report.json").read_text())["verification"]
"""Of another model: what `tinykd verify` leaves in a report."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Recipe, Path]:
    """A recipe file's recipe and its finished run."""
    folder = tmp_path_factory.mktemp("run")
    recipe = small_recipe(folder)
    (folder / "recipe.toml").write_text(show(recipe))
    (folder / "out").mkdir()
    (folder / "out/report.json").write_text(json.dumps({"verification": VERIFICATION}))
    distill(recipe, folder / "out", command="tinykd distill", progress=QuietProgress())
    return recipe, folder


def test_report(finished: tuple[Recipe, Path]) -> None:
    recipe, folder = finished
    report = json.loads((folder / "out/report.json").read_text())
    section = report["distillation"]
    assert report["verification"] == VERIFICATION, "other sections must stay"
    assert set(section["accuracy"]) == set(NETWORKS)
    assert section["accuracy"].pop("pruned") is None
    assert all(0.0 <= value <= 1.0 for value in section["accuracy"].values())
    student = load_keras(folder / "out/student.keras")
    test = small_data(recipe).test
    assert section["accuracy"]["student"] == accuracy(np.asarray(student(test.x)), test.y)
    assert section["parameters"]["student"] == student.count_params()
    assert section["command"] == "tinykd distill"
    assert set(section["fidelity"]) == set(NETWORKS) - {"teacher", "pruned"}
    assert section["int8_model_bytes"] == (folder / "out/student_int8.tflite").stat().st_size


def test_int8_accuracy_is_that_of_the_stored_integers(finished: tuple[Recipe, Path]) -> None:
    _, folder = finished
    inputs, labels = np.load(folder / "out/test_inputs.npy"), np.load(folder / "out/test_labels.npy")
    assert inputs.dtype == np.int8
    integers = TfliteModel((folder / "out/student_int8.tflite").read_bytes()).run(inputs)
    assert integers.dtype == np.int8
    section = json.loads((folder / "out/report.json").read_text())["distillation"]
    assert section["accuracy"]["int8"] == np.mean(integers.argmax(axis=1) == labels)


def test_the_int8_model_is_integers_all_through(finished: tuple[Recipe, Path]) -> None:
    _, folder = finished
    graph = read_file(folder / "out/student_int8.tflite")
    assert graph.tensors[graph.inputs[0]].dtype == graph.tensors[graph.outputs[0]].dtype == "int8"
    assert not any(tensor.dtype == "float32" for op in graph.ops for tensor in graph.op_tensors(op))


def test_the_student_file_holds_no_teacher(finished: tuple[Recipe, Path]) -> None:
    _, folder = finished
    names = {layer.name for layer in load_keras(folder / "out/student.keras").layers}
    assert not any(name.startswith("dense") for name in names), "the teacher is an mlp"
    assert "block1_depthwise" in names


def test_logs(finished: tuple[Recipe, Path]) -> None:
    _, folder = finished
    for stage in ("teacher", "baseline", "student", "quantize"):
        lines = (folder / f"out/logs/{stage}.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
        assert (folder / f"out/logs/{stage}.csv").read_text().count("\n") == 3
        assert list((folder / f"out/logs/tensorboard/{stage}").glob("events*"))
    assert list((folder / "out").glob("checkpoints/*")) == []


def test_a_second_run_imports_no_tensorflow(finished: tuple[Recipe, Path]) -> None:
    _, folder = finished
    before = (folder / "out/student.keras").stat().st_mtime_ns
    code = (
        "import sys\nfrom tinykd.cli.main import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit as done:\n    assert not done.code\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)\n"
    )
    arguments = ["distill", str(folder / "recipe.toml"), "--out", str(folder / "out"), "--json"]
    shown = subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True).stdout
    assert json.loads(shown)["accuracy"] == json.loads((folder / "out/report.json").read_text())["distillation"]["accuracy"]
    assert (folder / "out/student.keras").stat().st_mtime_ns == before


def test_a_changed_file_is_made_again(finished: tuple[Recipe, Path]) -> None:
    recipe, folder = finished
    good = (folder / "out/student.keras").read_bytes()
    (folder / "out/student.keras").write_bytes(good[:-1])
    small_pipeline(recipe, folder / "out").student()
    assert (folder / "out/student.keras").read_bytes() == good


def test_a_given_teacher_and_its_stored_outputs(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, data={"augment": {}})
    data = small_data(recipe)
    library = keras()
    library.utils.set_random_seed(0)
    layers = library.layers
    teacher = library.Sequential([library.Input(data.input_shape), layers.Flatten(), layers.Dense(CLASSES)])
    teacher.save(tmp_path / "t.keras")
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    np.savez(tmp_path / "t.npz", **{f"logits_{name}": np.asarray(teacher(split.x)) for name, split in splits.items()})
    sections = [
        distill(recipe, tmp_path / name, command="", progress=QuietProgress(), teacher_path=tmp_path / f"t.{name}")
        for name in ("keras", "npz")
    ]
    # One teacher in two forms (up to rounding of its logits) gives one accuracy, and students that learned the same.
    assert sections[0]["accuracy"]["teacher"] == sections[1]["accuracy"]["teacher"]
    assert sections[0]["accuracy"]["baseline"] == sections[1]["accuracy"]["baseline"]
    assert sections[0]["parameters"]["teacher"] == teacher.count_params()
    assert sections[1]["parameters"]["teacher"] is None


def test_a_live_teacher_without_baseline(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, distill={"views": 0, "teacher_outputs": "live", "baseline": False})
    section = distill(recipe, tmp_path / "out", command="", progress=QuietProgress())
    assert section["accuracy"]["baseline"] is None
    assert "baseline" not in section["fidelity"]


def test_stored_outputs_of_random_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="stored teacher outputs") as refused:
        check_recipe(small_recipe(tmp_path, distill={"views": 0}), None)
    assert "views" in refused.value.hint
    assert "live" in refused.value.hint


def test_stored_outputs_and_augmentation_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "outputs.npz", logits_train=np.zeros((1, 3)))
    with pytest.raises(RecipeError, match="plain samples"):
        check_recipe(small_recipe(tmp_path), tmp_path / "outputs.npz")


def test_a_full_disk_is_noticed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = small_recipe(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    with pytest.raises(ToolError, match="MB free"):
        check_space(recipe, small_data(recipe), RunDirectory(tmp_path / "not/yet/there"))


def test_two_processes_do_not_share_a_run(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path)
    with RunDirectory(tmp_path / "out").locked(), pytest.raises(UsageError, match="another process"):
        distill(recipe, tmp_path / "out", command="", progress=QuietProgress())


def test_merging_into_a_damaged_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text("{ torn")
    RunDirectory(tmp_path).merge_json("report.json", "distillation", {"a": 1})
    assert json.loads((tmp_path / "report.json").read_text()) == {"distillation": {"a": 1}}


def test_command_line_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(show(small_recipe(tmp_path)))
    for arguments, code in (
        (["--teacher", str(tmp_path / "none.keras")], 2),
        (["--set", "distill.views=0"], 2),
        (["--set", f'data.path="{tmp_path / "none.npz"}"'], 6),
    ):
        with pytest.raises(SystemExit) as done:
            main(["distill", str(path), "--out", str(tmp_path / "out"), *arguments])
        assert done.value.code == code
        assert "error" in capsys.readouterr().err
