"""A run that compares layers: stored or live, through quantization-aware training, resumed, and without a trace in the student."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.distill.small import CLASSES, small_data, small_pipeline, small_recipe
from tinykd import nets
from tinykd.distill.keras_files import load_keras
from tinykd.distill.keras_modules import keras
from tinykd.distill.losses.attention import Attention
from tinykd.distill.preflight import RUN_BYTES, check_layers
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.distill.tap import tap
from tinykd.distill.weights import load_arrays
from tinykd.errors import RecipeError, ToolError
from tinykd.recipe.model import Recipe
from tinykd.run import RunDirectory

pytestmark = pytest.mark.train

LOSSES = [{"name": "kd"}, {"name": "hint", "weight": 1.0}]
TRAINING = {"epochs": 2, "batch_size": 32}


def recipe_of(folder: Path, **distilling: Any) -> Recipe:
    """Teacher and student `ds_cnn`, of 6 and 4 channels: 4x4 and 2x2 maps; no augmentation."""
    return small_recipe(
        folder,
        teacher={"net": "ds_cnn", "knobs": {"width": 6, "depth": 2, "strides": [1, 2]}},
        data={"augment": {}},
        distill={"losses": LOSSES, "views": 0, "baseline": False, **distilling},
    )


def run(recipe: Recipe, out: Path, progress: QuietProgress | None = None) -> Mapping[str, bytes]:
    distill(recipe, out, command="", progress=progress or QuietProgress())
    return {name: (out / name).read_bytes() for name in ("student.keras", "helpers.npz", "student_int8.tflite")}


@dataclass
class InterruptAt(QuietProgress):
    """Ctrl-C at the given training step."""

    step_number: int

    def step(self) -> None:
        self.step_number -= 1
        if self.step_number == 0:
            raise KeyboardInterrupt


def test_stored_features_helpers_and_resumption(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path)
    results = run(recipe, tmp_path / "unbroken")
    names = {path.name for path in (tmp_path / ".teacher_outputs").iterdir() if path.is_dir()}
    assert len(names) == 3, "logits, and maps of two sizes"

    helpers = load_arrays(tmp_path / "unbroken/helpers.npz")
    assert [array.shape for array in helpers] == [(4, 6), (6,)] * 2, "a regressor a pair, 4 to 6 channels"
    student = load_keras(tmp_path / "unbroken/student.keras")
    assert not any(array.shape == (4, 6) for array in student.get_weights())
    assert "regressor" not in student.to_json()

    # 96 samples of 120, batch 32: interrupted in the student's second epoch (teacher 4 steps), then while quantizing.
    steps = int(np.load(tmp_path / "blobs.npz")["y"].size * 0.8 * 0.9) // 32
    for number in (2 * steps + steps + 1, steps + 1 + steps):
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "broken", InterruptAt(number))
    assert run(recipe, tmp_path / "broken") == results
    assert {path.name for path in (tmp_path / ".teacher_outputs").iterdir() if path.is_dir()} == names, "two runs, one store"


def test_live_features_are_the_stored_ones(tmp_path: Path) -> None:
    stored = small_pipeline(recipe_of(tmp_path), tmp_path / "out")
    stored.teacher()
    live = small_pipeline(recipe_of(tmp_path, teacher_outputs="live"), tmp_path / "out")
    chosen = np.array([5, 3, 8])
    student = nets.build("ds_cnn", keras(), (4, 4, 1), CLASSES, width=4, depth=1)
    layers = stored.teaching.objective(student).teacher_layers
    assert layers == ("conv_relu", "block2_pointwise_relu")
    inputs = [pipeline.teaching.lessons(layers).epoch(0) for pipeline in (stored, live)]
    first, second = (one.teacher(one.x[chosen], chosen) for one in inputs)
    assert set(first) == set(second) == {"logits", *layers}
    for name in first:
        np.testing.assert_allclose(first[name], second[name], atol=1e-5)


def test_features_of_augmented_views_are_their_own(tmp_path: Path) -> None:
    recipe = small_recipe(
        tmp_path,
        teacher={"net": "ds_cnn", "knobs": {"width": 6, "depth": 2, "strides": [1, 2]}},
        distill={"losses": LOSSES, "views": 2, "baseline": False},
    )
    pipeline = small_pipeline(recipe, tmp_path / "out")
    pipeline.teacher()
    lessons = pipeline.teaching.lessons(("conv_relu",))
    chosen = np.arange(40)
    reader = pipeline.teaching.network.reader(("conv_relu",))
    maps = []
    for epoch in (0, 1, 2):
        inputs = lessons.epoch(epoch)
        maps.append(inputs.teacher(inputs.x[chosen], chosen)["conv_relu"])
        np.testing.assert_allclose(maps[-1], reader(inputs.x[chosen])["conv_relu"], atol=1e-5)
    np.testing.assert_array_equal(maps[0], maps[2])
    assert np.abs(maps[0] - maps[1]).max() > 0.01


def test_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, losses=[{"name": "hint", "pairs": [["conv_rel", "conv_relu"]]}])
    with pytest.raises(RecipeError, match="the student has no layer conv_rel") as refused:
        run(recipe, tmp_path / "out")
    assert "conv_relu" in refused.value.hint
    assert not (tmp_path / "out/teacher.keras").exists(), "before the teacher is trained"


def test_somebody_elses_features_teach_as_the_teacher_itself(tmp_path: Path) -> None:
    """A folder that NumPy wrote; `auto` pairs the same layers by their sizes."""
    recipe = recipe_of(tmp_path)
    data = small_data(recipe)
    teacher = nets.build("ds_cnn", keras(), (4, 4, 1), CLASSES, width=6, depth=2, strides=[1, 2])
    teacher.save(tmp_path / "t.keras")
    (tmp_path / "t").mkdir()
    for split in ("train", "validation", "test"):
        np.save(tmp_path / f"t/logits_{split}.npy", teacher(getattr(data, split).x, training=False))
    maps = tap(teacher, ["conv_relu", "block2_pointwise_relu"])(data.train.x, training=False)
    for name in ("conv_relu", "block2_pointwise_relu"):
        np.save(tmp_path / f"t/features_train_{name}.npy", maps[name])
    students = []
    for path in (tmp_path / "t.keras", tmp_path / "t"):
        pipeline = replace(small_pipeline(recipe, tmp_path / f"out{path.suffix}"), teacher_path=path)
        pipeline.teacher()
        pipeline.student()
        students.append(load_keras(tmp_path / f"out{path.suffix}/student.keras").get_weights())
    for one, other in zip(*students, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_features_that_do_not_fit_are_noticed_before_training() -> None:
    """Two views of 1000 maps 4x4x6 and 2x2x6: 960 kB in float32, and the run's 67 MB."""
    recipe = Recipe.model_validate({"data": {"augment": {"shift": 1}}, "distill": {"losses": LOSSES, "views": 2}})
    student = {"conv": (4, 4, 4), "block": (2, 2, 4), "logits": (3,)}
    teacher = {"stem": (4, 4, 6), "last": (2, 2, 6), "logits": (3,)}

    def check(recipe: Recipe, free: int) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
            check_layers(recipe, student, teacher, 1000, RunDirectory(Path("out")))

    limit = 2 * 1000 * (4 * 4 * 6 + 2 * 2 * 6) * 4 + RUN_BYTES
    check(recipe, limit)
    with pytest.raises(ToolError, match="features need about 69 MB") as refused:
        check(recipe, limit - 1)
    assert "float16" in refused.value.hint
    check(recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"stored_dtype": "float16"})}), limit - 1)
    check(recipe.model_copy(update={"distill": recipe.distill.model_copy(update={"teacher_outputs": "live"})}), 0)


def test_the_student_runs_once_a_step_whatever_is_compared(tmp_path: Path) -> None:
    """Moving statistics of batch norm move once: momentum 0.9 leaves 0.9 of the old ones."""
    from tinykd.distill.objective import Objective, Term
    from tinykd.distill.trainer import compile_step

    library = keras()
    inputs = library.Input((4, 4, 1))
    x = library.layers.BatchNormalization(momentum=0.9, name="norm")(inputs)
    model = library.Model(inputs, library.layers.Dense(2)(library.layers.Flatten()(x)))
    optimizer = library.optimizers.SGD(0.0)
    optimizer.build(model.trainable_variables)
    objective = Objective(terms=(Term(1.0, Attention(), (("norm", "map"),)), Term(1.0, Attention(), (("norm", "other"),))))
    step = compile_step(model, optimizer, objective)
    rng = np.random.default_rng(0)
    images = rng.normal(3.0, 1.0, (8, 4, 4, 1)).astype(np.float32)
    teacher = {"map": rng.random((8, 4, 4, 2), np.float32), "other": rng.random((8, 2, 2, 2), np.float32)}
    step(images, np.zeros(8, np.int64), np.arange(8), np.float32(0), teacher, np.float32(0))
    np.testing.assert_allclose(model.get_layer("norm").moving_mean, [0.1 * images.mean()], rtol=1e-5)
