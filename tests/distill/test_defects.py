"""Defects of other distillation libraries, one test each: this one does not have them.

Two stand in test_distiller.py: the balance of losses changing with the number of replicas, and sample weights without effect.
"""

from __future__ import annotations

import itertools
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from tests.distill.small import CLASSES, small_data, small_pipeline, small_recipe
from tinykd import nets
from tinykd.data import Split
from tinykd.distill import Distiller
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.losses import LOSSES, from_recipe
from tinykd.distill.losses.kd import KD
from tinykd.distill.objective import Objective, Term, make_term
from tinykd.distill.progress import QuietProgress
from tinykd.distill.run import distill
from tinykd.distill.tap import layer_shapes, tap
from tinykd.distill.trainer import compile_step
from tinykd.errors import RecipeError, TinykdError
from tinykd.recipe.losses import SECTIONS, Kd
from tinykd.recipe.losses.feature import Hint
from tinykd.recipe.losses.response import Dkd

pytestmark = pytest.mark.train

SHAPE = (4, 4, 1)
RNG = np.random.default_rng(0)
X = RNG.random((24, *SHAPE), dtype=np.float32)
Y = np.arange(24) % CLASSES
TEACHER, STUDENT = RNG.normal(0, 4, (2, 24, CLASSES)).astype(np.float32)


def network(width: int = 4) -> Any:
    return nets.build("ds_cnn", keras3(), SHAPE, CLASSES, width=width, depth=1)


def normalized_and_dropped() -> Any:
    """A network whose batch norm and dropout show in which mode it runs, and how often."""
    keras = keras3()
    inputs = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization(momentum=0.9, name="norm")(inputs)
    x = keras.layers.Dropout(0.5, seed=1, name="dropped")(keras.layers.Flatten(name="flat")(x))
    return keras.Model(inputs, keras.layers.Dense(CLASSES, name="logits")(x))


def one_step(model: Any, objective: Objective, teacher: dict[str, np.ndarray], rate: float = 0.0) -> float:
    optimizer = keras3().optimizers.SGD(rate)
    optimizer.build([*model.trainable_variables, *objective.trainable_variables])
    step = compile_step(model, optimizer, objective)
    return float(step(X, Y, np.arange(len(X)), np.float32(0), teacher, np.float32(rate)))


# keras.distillation: LogitsDistillation's default takes KL of raw logits, clipped, without T^2.
def test_soft_targets_are_softmaxed_and_scaled_by_the_defaults() -> None:
    p, log_p = softmax(TEACHER / 4.0, axis=1), log_softmax(TEACHER / 4.0, axis=1)
    expected = 16.0 * np.mean(np.sum(p * (log_p - log_softmax(STUDENT / 4.0, axis=1)), axis=1))
    assert float(from_recipe(Kd()).compute_loss(TEACHER, STUDENT)) == pytest.approx(expected, rel=1e-5)
    # Probabilities do not change when every logit of a sample moves; raw logits would.
    assert float(KD().compute_loss(TEACHER + 5.0, STUDENT - 3.0)) == pytest.approx(expected, rel=1e-4)


# keras.distillation: probabilities clipped at epsilon let the divergence saturate.
def test_a_sure_teacher_and_a_sure_student_are_as_far_apart_as_they_are() -> None:
    logits = np.array([[60.0, 0.0, 0.0]], np.float32)
    assert float(KD(1.0).compute_loss(logits, logits[:, ::-1])) == pytest.approx(60.0, rel=1e-5)


# keras.distillation: the student ran twice as soon as a feature was compared.
def test_one_forward_pass_updates_statistics_once_and_draws_one_dropout_mask() -> None:
    model = normalized_and_dropped()
    same = Term(1.0, _Difference(), (("dropped", "dropped"), ("flat", "flat")))
    one_step(model, Objective(0.0, terms=(same,)), {"logits": TEACHER, "dropped": np.zeros((24, 16)), "flat": np.zeros((24, 16))})
    np.testing.assert_allclose(model.get_layer("norm").moving_mean, [0.1 * X.mean()], rtol=1e-4)
    dropped, flat = _Difference.seen
    kept = np.isclose(dropped, 2.0 * flat, atol=1e-5)
    assert np.all(kept | (dropped == 0.0)), "both features are of one pass, with one mask"
    assert 0.2 < kept.mean() < 0.8


class _Difference:
    """Keeps what it was given; its gradient is nothing of interest."""

    seen: tuple[np.ndarray, ...] = ()

    def compute_loss(self, _: Any, student_outputs: Any, **__: Any) -> Any:
        tf = tensorflow()

        def keep(*features: np.ndarray) -> np.float32:
            type(self).seen = features
            return np.float32(0.0)

        return tf.numpy_function(keep, student_outputs, tf.float32, stateful=True) + 0.0 * tf.reduce_sum(student_outputs[0])


# keras.distillation: no regressor, so that layers of another width were a ValueError.
def test_layers_of_another_width_and_size_are_compared() -> None:
    student, teacher = network(4), nets.build("ds_cnn", keras3(), SHAPE, CLASSES, width=7, depth=1, strides=[2])
    distiller = Distiller(student, teacher, [Hint(pairs=(("conv_relu", "block1_pointwise_relu"),))])
    distiller.compile("sgd", keras3().losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(distiller.fit(X, Y, verbose=0).history["hint"][0])


# keras.distillation: a student layer named without a teacher layer silently compared final outputs.
def test_half_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        Hint.model_validate({"pairs": [["conv_relu"]]})
    with pytest.raises(RecipeError, match="the teacher has no layer"):
        Distiller(network(), network(), [Hint(pairs=(("conv_relu", ""),))])


# keras.distillation: a student in half precision was rejected.
def test_a_student_in_mixed_precision_trains() -> None:
    keras = keras3()
    teacher = network()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        student = network()
        distiller = Distiller(student, teacher, [Kd(), Hint(weight=1.0)])
        distiller.compile(keras.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        before = student.get_weights()
        assert np.isfinite(distiller.fit(X, Y, verbose=0).history["loss"][0])
        assert any(np.any(old != new) for old, new in zip(before, student.get_weights(), strict=True))
    finally:
        keras.config.set_dtype_policy("float32")


# keras.distillation and many more: the saved file held the teacher, and could not be trained on.
def test_the_saved_file_holds_the_student_alone(tmp_path: Path) -> None:
    keras = keras3()
    student, teacher = network(4), network(64)
    distiller = Distiller(student, teacher, [Kd(), Hint(weight=1.0)])
    distiller.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    distiller.fit(X, Y, verbose=0)
    distiller.save(tmp_path / "distilled.keras")
    student.save(tmp_path / "student.keras")
    sizes = [(tmp_path / name).stat().st_size for name in ("distilled.keras", "student.keras")]
    assert abs(sizes[0] - sizes[1]) < 200
    with zipfile.ZipFile(tmp_path / "distilled.keras") as archive:
        assert "regressor" not in archive.read("config.json").decode()
    distiller.save_weights(tmp_path / "distilled.weights.h5")
    assert distiller.count_params() - student.count_params() < 4 * 64 * 3 + 64 * 3, "student and regressors, not the teacher"
    loaded = keras.models.load_model(tmp_path / "distilled.keras")
    np.testing.assert_allclose(loaded(X), student(X), atol=1e-6)
    again = Distiller(loaded, teacher, [Kd()])
    again.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert np.isfinite(again.fit(X, Y, verbose=0).history["loss"][0])


# keras.distillation: the student's weight was 1 - w and confined to [0, 1].
def test_weights_of_labels_and_losses_are_independent() -> None:
    model = network()
    logits = {"logits": TEACHER}
    labels, soft = (one_step(model, objective, logits) for objective in (Objective(1.0), Objective(0.0, terms=(Term(1.0, KD()),))))
    both = one_step(model, Objective(2.0, terms=(Term(3.0, KD()),)), logits)
    assert both == pytest.approx(2.0 * labels + 3.0 * soft, rel=1e-4)


# KD_Lib: evaluation left the student in inference mode from the second epoch on.
def test_every_epoch_trains_in_training_mode(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, distill={"train": {"epochs": 3, "batch_size": 32}, "views": 2, "baseline": False})
    model = nets.build("ds_cnn", keras3(), SHAPE, CLASSES, width=4, depth=1, strides=[1, 2])
    moving = [index for index, variable in enumerate(model.variables) if "moving_mean" in variable.path]
    seen: list[np.ndarray] = []

    class Watch(QuietProgress):
        def epoch(self, record: Any) -> None:
            with np.load(tmp_path / f"out/checkpoints/{record.stage}.npz") as archive:
                if record.stage == "student":
                    seen.append(np.concatenate([archive[f"model{index:05d}"] for index in moving]))

    pipeline = small_pipeline(recipe, tmp_path / "out", Watch())
    pipeline.teacher()
    pipeline.student()
    assert len(seen) == 3
    for earlier, later in itertools.pairwise(seen):
        assert np.abs(later - earlier).max() > 1e-6


# KD_Lib (born-again, teacher assistant): teacher and student were one object, and teachers got gradients.
@pytest.mark.parametrize("name", LOSSES)
def test_no_gradient_reaches_the_teacher(name: str) -> None:
    tf = tensorflow()
    student, teacher = network(4), network(6)
    term = make_term(SECTIONS[name].model_validate({}), student, layer_shapes(teacher), len(X), teacher)
    read_student = tap(student, [ours for ours, _ in term.pairs])
    read_teacher = tap(teacher, [theirs for _, theirs in term.pairs])
    context = {"labels": Y, "index": np.arange(len(X)), "epoch": 30.0, "inputs": X, "student": student, "teacher": teacher}
    with tf.GradientTape(persistent=True) as tape:
        theirs = read_teacher(X, training=False)
        loss = term.value(theirs, read_student(X, training=True), context)
    weights = [variable.value for variable in (*teacher.trainable_variables, *student.trainable_variables)]
    gradients = tape.gradient(loss, weights)
    count = len(teacher.trainable_variables)
    assert all(gradient is None for gradient in gradients[:count])
    assert any(gradient is not None and np.abs(gradient).max() > 0 for gradient in gradients[count:])


# KD_Lib and others: divergences averaged over classes too ("mean" instead of "batchmean"), or of softmaxes' differences.
def test_the_divergence_is_summed_over_classes_and_averaged_over_samples() -> None:
    one = float(KD(2.0).compute_loss(TEACHER[:1], STUDENT[:1]))
    assert float(KD(2.0).compute_loss(np.repeat(TEACHER[:1], 7, 0), np.repeat(STUDENT[:1], 7, 0))) == pytest.approx(one, rel=1e-5)
    # Classes that nobody expects change nothing; a mean over classes would shrink by 3/6.
    unlikely = np.full((1, 3), -200.0, np.float32)
    wide = float(KD(2.0).compute_loss(np.concatenate([TEACHER[:1], unlikely], 1), np.concatenate([STUDENT[:1], unlikely], 1)))
    assert wide == pytest.approx(one, rel=1e-4)


# torchdistill: without labels (alpha 0) the soft loss came without T^2; super-gradients: without a temperature.
def test_without_labels_the_soft_loss_keeps_its_scale() -> None:
    model = network()
    loss = one_step(model, Objective(0.0, terms=(Term(1.0, KD(3.0)),)), {"logits": TEACHER})
    logits = log_softmax(np.asarray(model(X, training=True)) / 3.0, axis=1)
    p = softmax(TEACHER / 3.0, axis=1)
    expected = 9.0 * np.mean(np.sum(p * (np.log(p) - logits), axis=1))
    assert loss == pytest.approx(expected, rel=1e-3)


# torchdistill: teacher outputs were cached by position alone, whatever the augmentation.
def test_stored_outputs_belong_to_the_view_that_the_student_sees(tmp_path: Path) -> None:
    pipeline = small_pipeline(small_recipe(tmp_path, data={"augment": {"shift": 2, "noise": 0.5}}), tmp_path / "out")
    pipeline.teacher()
    lessons = pipeline.teaching.lessons()
    chosen = np.arange(30)
    for epoch in (0, 1):
        inputs = lessons.epoch(epoch)
        expected = pipeline.teaching.network.logits(inputs.x[chosen])
        np.testing.assert_allclose(inputs.teacher(inputs.x[chosen], chosen)["logits"], expected, atol=1e-5)
    assert np.abs(expected - pipeline.teaching.network.logits(small_data(pipeline.recipe).train.x[chosen])).max() > 0.05


# mdistiller, RepDistiller: the best checkpoint was chosen on the test split.
def test_the_best_epoch_is_chosen_without_the_test_split(tmp_path: Path) -> None:
    recipe = small_recipe(tmp_path, distill={"baseline": False, "train": {"epochs": 4, "batch_size": 32}})
    data = small_data(recipe)
    first = small_pipeline(recipe, tmp_path / "a")
    for stage in (first.teacher, first.student):
        stage()
    # The same run with another test split (and all wrong labels there) ends with the same student.
    other = replace(data, test=Split(data.test.x[::-1].copy(), (data.test.y + 1) % CLASSES))
    second = replace(small_pipeline(recipe, tmp_path / "b"), data=other)
    for stage in (second.teacher, second.student):
        stage()
    assert (tmp_path / "a/student.keras").read_bytes() == (tmp_path / "b/student.keras").read_bytes()
    history = [json.loads(line) for line in (tmp_path / "a/logs/student.jsonl").read_text().splitlines()]
    best = max(history, key=lambda record: (record["validation_accuracy"], record["epoch"]))
    record = json.loads((tmp_path / "a/stages/student.json").read_text())
    assert record["values"]["best_epoch"] == best["epoch"]


# mdistiller: decoupled distillation was undefined for two classes, without a word.
def test_two_classes_are_refused_or_computed_by_every_response_loss() -> None:
    rng = np.random.default_rng(1)
    teacher, student = rng.normal(0, 3, (2, 8, 2)).astype(np.float32)
    labels = np.arange(8) % 2
    with pytest.raises(TinykdError, match="classes"):
        from_recipe(Dkd()).compute_loss(teacher, student, labels=labels, epoch=30.0)
    for name, section in SECTIONS.items():
        if section.compares == "logits" and name != "dkd":
            assert np.isfinite(float(from_recipe(section.model_validate({})).compute_loss(teacher, student, labels=labels, epoch=30.0)))


# keras-io's example: teacher and student were swapped.
def test_the_divergence_is_of_the_student_from_the_teacher() -> None:
    p, q = softmax(TEACHER, axis=1), softmax(STUDENT, axis=1)
    forward, backward = (np.mean(np.sum(a * np.log(a / b), axis=1)) for a, b in ((p, q), (q, p)))
    value = float(KD(1.0).compute_loss(TEACHER, STUDENT))
    assert value == pytest.approx(forward, rel=1e-4)
    assert abs(value - backward) > 0.01 * backward


# Everywhere: the exported model was larger than the student because it held the teacher.
def test_the_run_deploys_the_student_alone(tmp_path: Path) -> None:
    recipe = small_recipe(
        tmp_path,
        teacher={"net": "ds_cnn", "knobs": {"width": 40, "depth": 2, "strides": [1, 2]}},
        data={"augment": {}},
        distill={"views": 0, "baseline": False, "losses": [{"name": "hint"}]},
    )
    distill(recipe, tmp_path / "out", command="", progress=QuietProgress())
    assert (tmp_path / "out/student.keras").stat().st_size < (tmp_path / "out/teacher.keras").stat().st_size
    assert (tmp_path / "out/student_int8.tflite").stat().st_size < 12_000
