"""Distillation without a recipe: compile, fit, standard callbacks, and Keras's own distiller with our losses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.distill.small import CLASSES
from tinykd import nets
from tinykd.distill import Distiller
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.losses import LOSSES
from tinykd.distill.losses.hint import Hint
from tinykd.distill.losses.kd import KD
from tinykd.distill.objective import Term
from tinykd.distill.trainer import compile_step
from tinykd.errors import RecipeError, UsageError
from tinykd.recipe.losses import SECTIONS, Kd
from tinykd.recipe.losses.feature import Hint as HintSection

pytestmark = pytest.mark.train

SHAPE = (8, 8, 1)
RNG = np.random.default_rng(0)
X = RNG.random((32, *SHAPE), dtype=np.float32)
Y = np.arange(32) % CLASSES
#: Need the position of each sample in the training split, which `fit` does not know.
INDEXED = {"crd"}


def networks(seed: int = 0) -> tuple[Any, Any]:
    keras = keras3()
    keras.utils.set_random_seed(seed)
    student = nets.build("ds_cnn", keras, SHAPE, CLASSES, width=4, depth=2)
    return student, nets.build("ds_cnn", keras, SHAPE, CLASSES, width=6, depth=3)


def compiled(distiller: Any, optimizer: Any = None) -> Any:
    keras = keras3()
    distiller.compile(
        optimizer or keras.optimizers.SGD(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return distiller


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in INDEXED])
def test_every_loss_trains_the_student_and_leaves_the_teacher(name: str) -> None:
    student, teacher = networks()
    before, teachers = student.get_weights(), teacher.get_weights()
    distiller = compiled(Distiller(student, teacher, [name], label_weight=0.0, samples=len(X)))
    history = distiller.fit(X, Y, batch_size=16, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert any(np.abs(old - new).max() > 1e-7 for old, new in zip(before, student.get_weights(), strict=True))
    for old, new in zip(teachers, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_one_step_is_the_trainers_step() -> None:
    """The recipe's loop and the Keras model move the student alike."""
    from tinykd.distill.objective import Objective

    keras = keras3()
    one, teacher = networks()
    other, _ = networks()
    losses = [Kd(weight=0.7, temperature=2.0)]
    compiled(Distiller(one, teacher, losses)).fit(X, Y, batch_size=32, epochs=1, shuffle=False, verbose=0)
    optimizer = keras.optimizers.SGD(0.05)
    optimizer.build(other.trainable_variables)
    step = compile_step(other, optimizer, Objective(label_weight=0.3, terms=(Term(0.7, KD(2.0)),)))
    step(X, Y, np.arange(32), np.float32(0), {"logits": np.asarray(teacher(X, training=False))}, np.float32(0.05))
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_standard_callbacks_validation_and_separate_curves(tmp_path: Path) -> None:
    keras = keras3()
    student, teacher = networks()
    distiller = compiled(Distiller(student, teacher, [Kd(), HintSection(weight=1.0)]))
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_accuracy", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    history = distiller.fit(X, Y, validation_data=(X, Y), epochs=2, batch_size=16, verbose=0, callbacks=callbacks).history
    assert {"loss", "label_loss", "kd", "hint", "accuracy", "val_loss", "val_accuracy"} <= set(history)
    total = 0.1 * np.array(history["label_loss"]) + 0.9 * np.array(history["kd"]) + np.array(history["hint"])
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)
    logits = np.asarray(student(X, training=False), np.float64)
    entropy = -np.mean(logits[np.arange(32), Y] - np.log(np.exp(logits).sum(axis=1)))
    assert history["val_loss"][-1] == pytest.approx(entropy, rel=1e-4)
    np.testing.assert_allclose(distiller.predict(X, verbose=0), logits, atol=1e-5)
    assert keras.models.load_model(tmp_path / "best.keras").count_params() == student.count_params()


def test_weights_of_student_and_helpers_go_on(tmp_path: Path) -> None:
    def built() -> Any:
        student, teacher = networks()
        return compiled(Distiller(student, teacher, [HintSection(weight=1.0)]))

    unbroken = built()
    unbroken.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    first = built()
    first.fit(X, Y, batch_size=16, epochs=1, shuffle=False, verbose=0)
    first.save_weights(tmp_path / "half.weights.h5")
    second = built()
    second.load_weights(tmp_path / "half.weights.h5")
    second.fit(X, Y, batch_size=16, epochs=2, initial_epoch=1, shuffle=False, verbose=0)
    for a, b in zip(unbroken.student.get_weights(), second.student.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_warm_up_counts_the_epochs_of_fit() -> None:
    student, teacher = networks()
    distiller = compiled(Distiller(student, teacher, [Kd(warmup_epochs=4.0, weight=1.0)], label_weight=0.0))
    history = distiller.fit(X, Y, batch_size=32, epochs=3, verbose=0).history
    ratio = np.array(history["loss"]) / np.array(history["kd"])
    np.testing.assert_allclose(ratio, [0.0, 0.25, 0.5], atol=1e-5)


def test_what_cannot_be_done_is_refused() -> None:
    student, teacher = networks()
    with pytest.raises(UsageError, match="no loss is called kdd"):
        Distiller(student, teacher, ["kdd"])
    with pytest.raises(RecipeError, match="the teacher has no layer nowhere"):
        Distiller(student, teacher, [HintSection(pairs=(("conv", "nowhere"),))])
    with pytest.raises(UsageError, match="decays"):
        Distiller(student, teacher, [Kd(decay="linear")])
    with pytest.raises(UsageError, match="sample weights"):
        compiled(Distiller(student, teacher)).fit(X, Y, sample_weight=np.ones(32), verbose=0)


@pytest.mark.parametrize("kind", ["logits", "features"])
def test_our_losses_inside_kerass_own_distiller(kind: str) -> None:
    keras = keras3()
    student, teacher = networks()
    loss: Any
    if kind == "logits":
        loss = KD(2.0)
        expected = float(loss.compute_loss(teacher(X, training=False), student(X, training=True)))
    else:
        loss = Hint()
        loss.build([(4, 4, 6)], [(4, 4, 4)])
        loss.teacher_layer_name, loss.student_layer_name = "block1_depthwise_relu", "block1_depthwise_relu"
        maps = [keras.Model(net.inputs, net.get_layer("block1_depthwise_relu").output) for net in (teacher, student)]
        expected = float(loss.compute_loss(maps[0](X, training=False), maps[1](X, training=True)))
    student.set_weights(networks()[0].get_weights())
    distiller = keras.distillation.Distiller(teacher, student, distillation_losses=loss, student_loss_weight=0.0)
    distiller.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = distiller.fit(X, Y, batch_size=32, verbose=0).history
    assert history["distillation_loss"][0] == pytest.approx(expected, rel=1e-4)


REPLICAS = """
import json, sys
import numpy as np
from tinykd.distill.keras_modules import keras, tensorflow
tf = tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.distill.test_distiller import X, Y, compiled, networks
from tinykd.distill import Distiller
from tinykd.recipe.losses import Kd
from tinykd.recipe.losses.feature import Hint
found = []
for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        student, teacher = networks()
        for layer in student.layers:  # statistics of a half batch are not those of the whole one
            layer.trainable = "_bn" not in layer.name
        distiller = compiled(Distiller(student, teacher, [Kd(), Hint(weight=1.0)]))
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    history = distiller.fit(data, epochs=2, verbose=0).history
    found.append({"history": history, "weights": [w.tolist() for w in student.get_weights() + distiller.helpers[0].get_weights()]})
print("RESULT" + json.dumps(found))
"""


def test_two_replicas_train_as_one() -> None:
    told = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert told.returncode == 0, told.stderr[-2000:]
    one, two = json.loads(told.stdout.rpartition("RESULT")[2])
    for name in ("loss", "label_loss", "kd", "hint"):
        np.testing.assert_allclose(one["history"][name], two["history"][name], rtol=1e-4, err_msg=name)
    for a, b in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_sections_and_classes_are_all_reachable() -> None:
    assert set(SECTIONS) == set(LOSSES)
