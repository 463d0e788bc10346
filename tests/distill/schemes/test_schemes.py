"""Every scheme trains a real student of digits above what the same network reaches on labels alone, and ends in the same files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.distill.schemes.digits import digits_recipe, pipeline, test_accuracy
from tests.distill.small import small_pipeline, small_recipe
from tests.distill.test_resume import InterruptAt
from tinykd.distill.keras_files import load_keras
from tinykd.distill.pipeline import Pipeline
from tinykd.distill.preflight import check_recipe
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.errors import RecipeError
from tinykd.recipe.model import Recipe
from tinykd.recipe.schemes import SCHEMES

pytestmark = pytest.mark.train

NARROW = {"net": "mlp", "knobs": {"hidden": [16]}}

#: Schemes with what makes them quick; every row stands for one training of a student.
ROWS: dict[str, dict[str, Any]] = {
    "offline": {"name": "offline"},
    "average": {"name": "multi_teacher", "count": 2},
    "random": {"name": "multi_teacher", "count": 2, "combine": "random"},
    "separate": {"name": "multi_teacher", "count": 2, "combine": "separate"},
    "confidence": {"name": "multi_teacher", "count": 2, "combine": "confidence"},
    "chain": {"name": "assistant", "assistants": [NARROW]},
    "residual": {"name": "assistant", "kind": "residual", "assistants": [NARROW]},
    "gradual": {"name": "gradual", "anchors": 3},
    "adversarial": {"name": "adversarial"},
    "quantized": {"name": "quantized", "bits": 8},
    "pseudo_labels": {"name": "pseudo_labels", "copies": 2},
    "cross_modal": {"name": "cross_modal", "data": {"name": "digits"}},
    "mutual": {"name": "mutual"},
    "born_again": {"name": "born_again"},
}

#: Schemes that need a student of more than one section, and its widths. One seed of a tiny student: a smoke test, not a
#: comparison. With widths (8, 8) be_your_own_teacher reaches 0.83 where labels alone reach 0.89.
DEEP_ROWS: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "one": ({"name": "one"}, (8, 8)),
    "okddip": ({"name": "okddip", "reduction": 2}, (8, 8)),
    "be_your_own_teacher": ({"name": "be_your_own_teacher"}, (8, 6)),
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with teacher and baseline, whose stages other schemes take over where they are the same."""
    root = tmp_path_factory.mktemp("digits") / "run"
    run = pipeline(digits_recipe(ROWS["offline"]), root)
    run.teacher()
    run.baseline()
    return root


def student_of(trained: Path, root: Path, recipe: Recipe) -> Pipeline:
    shutil.copytree(trained, root)
    run = pipeline(recipe, root)
    run.teacher()
    run.baseline()
    run.student()
    return run


@pytest.mark.parametrize("row", ROWS)
def test_above_labels_alone(trained: Path, tmp_path: Path, row: str) -> None:
    run = student_of(trained, tmp_path / "run", digits_recipe(ROWS[row]))
    assert test_accuracy(run, "student") > test_accuracy(run, "baseline")
    student = load_keras(run.run.path("student.keras"))
    assert [layer.name for layer in student.layers] == ["input", "flatten", "dense1", "dense1_relu", "logits"]
    assert run.run.path("helpers.npz").exists()


@pytest.mark.parametrize("row", DEEP_ROWS)
def test_above_labels_alone_with_two_sections(tmp_path: Path, row: str) -> None:
    scheme, hidden = DEEP_ROWS[row]
    run = pipeline(digits_recipe(scheme, hidden=hidden), tmp_path / "run")
    run.teacher()
    run.baseline()
    run.student()
    assert test_accuracy(run, "student") > test_accuracy(run, "baseline")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "steps"), [("dafl", 300), ("zskt", 150)])
def test_without_data(trained: Path, tmp_path: Path, kind: str, steps: int) -> None:
    """Labels alone have nothing to learn from here: the floor is chance, 0.1."""
    recipe = digits_recipe({"name": "data_free", "kind": kind, "steps": steps, "samples": 2048})
    assert test_accuracy(student_of(trained, tmp_path / "run", recipe), "student") > 0.6


def test_every_scheme_has_its_row() -> None:
    assert {row["name"] for row in (*ROWS.values(), *(scheme for scheme, _ in DEEP_ROWS.values()))} | {"data_free"} == set(SCHEMES)


def test_a_rounded_student_has_few_weights(trained: Path, tmp_path: Path) -> None:
    recipe = digits_recipe({"name": "quantized", "bits": 2, "bucket": 64}, train={"epochs": 2, "batch_size": 64})
    run = student_of(trained, tmp_path / "run", recipe)
    kernel = load_keras(run.run.path("student.keras")).get_layer("dense1").get_weights()[0].ravel()
    assert all(len(np.unique(kernel[start : start + 64].round(5))) <= 4 for start in range(0, len(kernel), 64))


def test_a_student_of_two_trainings(trained: Path, tmp_path: Path) -> None:
    train = {"epochs": 2, "batch_size": 64}
    before = [{"losses": [{"name": "logits"}], "train": train}, {"losses": [{"name": "kd"}], "label_weight": 0.5, "train": train}]
    run = student_of(trained, tmp_path / "run", digits_recipe(ROWS["offline"], train=train, before=before))
    files = ("student_before1.keras", "student_before2.keras", "student.keras")
    stages = [load_keras(run.run.path(name)).get_weights()[0] for name in files]
    assert not np.allclose(stages[0], stages[1])
    assert not np.allclose(stages[1], stages[2])
    # Each goes on where the one before it ended: two epochs move a weight by little.
    assert np.corrcoef(stages[0].ravel(), stages[2].ravel())[0, 1] > 0.9


def blobs(folder: Path, scheme: dict[str, Any], **distill: Any) -> Recipe:
    train = {"epochs": 2, "batch_size": 32}
    student = {"net": "ds_cnn", "knobs": {"width": 4, "depth": 1, "strides": [1, 2]}}
    return small_recipe(folder, student=student, distill={"scheme": scheme, "views": 2, "train": train, "baseline": False, **distill})


WHOLE: dict[str, dict[str, Any]] = {
    "mutual": {"name": "mutual"},
    "one": {"name": "one"},
    "okddip": {"name": "okddip", "reduction": 2},
    "be_your_own_teacher": {"name": "be_your_own_teacher"},
    "born_again": {"name": "born_again"},
    "multi_teacher": {"name": "multi_teacher", "count": 2, "combine": "separate"},
    "assistant": {"name": "assistant", "kind": "residual", "assistants": [{"net": "mlp", "knobs": {"hidden": [4]}}]},
    "gradual": {"name": "gradual", "anchors": 2},
    "adversarial": {"name": "adversarial", "hidden": 4},
    "quantized": {"name": "quantized"},
    "dafl": {"name": "data_free", "steps": 4, "samples": 64, "latent": 8},
    "zskt": {"name": "data_free", "kind": "zskt", "steps": 4, "samples": 64, "latent": 8, "student_steps": 2},
    "pseudo_labels": {"name": "pseudo_labels", "copies": 1},
}
PEERS = ("mutual", "one", "okddip", "be_your_own_teacher")
RESULTS = ("teacher.keras", "student.keras", "predictions/student.npz")


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_run_interrupted_and_not(tmp_path: Path, name: str) -> None:
    """From a scheme to int8, with batch norm and views; and interrupted twice on the way to the student."""
    recipe = blobs(tmp_path, WHOLE[name])
    section = distill(recipe, tmp_path / "unbroken", command="test", progress=QuietProgress())
    assert 0.0 <= section["accuracy"]["int8"] <= 1.0
    assert section["parameters"]["teacher"] > 0
    # A training has two epochs of two steps; the student of peers and branches is one of them, and trains no more.
    for step in (3, 2) if name in PEERS else (3, 5):
        with pytest.raises(KeyboardInterrupt):
            both(small_pipeline(recipe, tmp_path / "broken", InterruptAt(step)))
    both(small_pipeline(recipe, tmp_path / "broken"))
    for file in RESULTS:
        assert (tmp_path / "broken" / file).read_bytes() == (tmp_path / "unbroken" / file).read_bytes(), file


def both(run: Pipeline) -> None:
    run.teacher()
    run.student()


def test_a_whole_run_of_peers(tmp_path: Path) -> None:
    """An online scheme without a teacher goes through quantization, and a finished run computes nothing again."""
    recipe = blobs(tmp_path, WHOLE["mutual"])
    section = distill(recipe, tmp_path / "run", command="test", progress=QuietProgress())
    peers = [load_keras(tmp_path / f"run/peers/{number}.keras") for number in range(2)]
    assert section["parameters"]["teacher"] == sum(peer.count_params() for peer in peers)
    student = load_keras(tmp_path / "run/student.keras")
    assert any(all(map(np.array_equal, student.get_weights(), peer.get_weights())) for peer in peers)
    assert json.loads((tmp_path / "run/stages/student.json").read_text())["values"]["deployed"].startswith("peers/")
    before = (tmp_path / "run/teacher.keras").stat().st_mtime_ns
    distill(recipe, tmp_path / "run", command="test", progress=QuietProgress())
    assert (tmp_path / "run/teacher.keras").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("scheme", "distill_changes", "teacher", "said"),
    [
        ({"name": "mutual"}, {}, "t.keras", "makes its own teacher"),
        ({"name": "pseudo_labels"}, {}, "t.npz", "needs a teacher that runs"),
        ({"name": "one"}, {"losses": [{"name": "attention"}]}, None, "ensemble"),
        ({"name": "okddip"}, {"before": [{}]}, None, "one go"),
        ({"name": "multi_teacher", "combine": "confidence"}, {"losses": [{"name": "logits"}]}, None, "soft targets"),
    ],
)
def test_refused(tmp_path: Path, scheme: dict[str, Any], distill_changes: dict[str, Any], teacher: str | None, said: str) -> None:
    path = None
    if teacher:
        path = tmp_path / teacher
        path.write_bytes(b"")
    recipe = digits_recipe(scheme, **distill_changes)
    with pytest.raises(RecipeError, match=said):
        check_recipe(recipe, path)
