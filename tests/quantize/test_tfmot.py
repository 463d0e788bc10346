"""The tfmot engine: the twin is the student, ranges are measured, and the integers are the trained network's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinykd import nets
from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.keras_modules import keras, native_stderr_hidden, tensorflow, tf_keras
from tinykd.errors import UnsupportedModel
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.tfmot import TfmotEngine, refuse_float_tensors, twin
from tinykd.recipe.model import Net

pytestmark = pytest.mark.train

CALIBRATION = np.random.default_rng(0).uniform(-0.5, 2.0, (256, 8, 8, 1)).astype(np.float32)
NETS = [
    Net(net="ds_cnn", knobs={"width": 8, "depth": 2}),
    Net(net="resnet8", knobs={"width": 4}),
    Net(net="mobilenet_v2_tiny", knobs={"width": 0.5, "last": 16}),
    Net(net="mlp", knobs={"hidden": [16]}),
]


def student(net: Net) -> Any:
    """A student with random weights and measured batch-norm statistics."""
    keras().utils.set_random_seed(3)
    model = nets.build(net.net, keras(), (8, 8, 1), 5, **net.knobs)
    reestimate_batch_norm(model, CALIBRATION)
    return model


@pytest.mark.parametrize("net", NETS, ids=lambda net: net.net)
def test_integers_follow_the_float_student(net: Net) -> None:
    model, engine = student(net), TfmotEngine()
    expected = np.asarray(model(CALIBRATION))
    np.testing.assert_allclose(np.asarray(twin(model, net)(CALIBRATION)), expected, atol=1e-4)
    prepared = engine.prepare(model, net, CALIBRATION)
    engine.settle(prepared, CALIBRATION)
    converted = TfliteModel(engine.convert(prepared))
    integers = converted.real_outputs(CALIBRATION)
    fake = np.asarray(prepared(CALIBRATION, training=False))
    # Fake quantization and integers may round differently layer by layer, by a step or two of the output.
    assert np.abs(integers - fake).mean() < 1.5 * converted.output_step
    assert np.abs(integers - fake).max() < 8 * converted.output_step
    assert np.corrcoef(integers.ravel(), expected.ravel())[0, 1] > 0.99


def test_input_range_is_that_of_the_calibration_samples() -> None:
    engine = TfmotEngine()
    model = engine.prepare(student(NETS[0]), NETS[0], CALIBRATION)
    quant = TfliteModel(engine.convert(model)).input_quant
    assert quant is not None
    low, high = CALIBRATION.min(), CALIBRATION.max()
    assert quant.scale == pytest.approx((high - low) / 255, rel=1e-5)
    assert quant.zero_point == round(-128 - low / quant.scale)


def test_ranges_are_measured_not_guessed() -> None:
    # A linear classifier: its output range must be the mean of the batches' extremes, far from the library's initial [-6, 6].
    net = Net(net="mlp", knobs={"hidden": []})
    model = student(net)
    model.get_layer("logits").kernel.assign(model.get_layer("logits").kernel * 40)
    prepared = TfmotEngine().prepare(model, net, CALIBRATION)
    order = np.random.default_rng(0).permutation(256)
    outputs = [np.asarray(model(CALIBRATION[order[number::2]])) for number in range(2)]
    wrapper = prepared.layers[-1]
    found = {variable.name.rsplit("/")[-1]: float(variable.numpy()) for variable in wrapper.weights if variable.shape == ()}
    high = next(value for name, value in found.items() if "max" in name and "activation" in name)
    low = next(value for name, value in found.items() if "min" in name and "activation" in name)
    assert high == pytest.approx(np.mean([o.max() for o in outputs]), rel=0.02)
    assert low == pytest.approx(np.mean([o.min() for o in outputs]), rel=0.02)
    assert high > 10


def test_settling_leaves_weights_and_momenta_alone() -> None:
    engine = TfmotEngine()
    prepared = engine.prepare(student(NETS[0]), NETS[0], CALIBRATION)
    weights = [variable.numpy() for variable in prepared.trainable_variables]
    engine.settle(prepared, CALIBRATION)
    for old, new in zip(weights, prepared.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    first = [variable.numpy() for variable in prepared.variables]
    engine.settle(prepared, CALIBRATION)
    for old, again in zip(first, prepared.variables, strict=True):
        np.testing.assert_allclose(old, again.numpy(), rtol=0.05, atol=0.05)


def test_a_student_of_another_net_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="layers are not those"):
        twin(student(NETS[0]), Net(net="ds_cnn", knobs={"width": 8, "depth": 1}))
    with pytest.raises(UnsupportedModel, match="other shapes"):
        twin(student(NETS[0]), Net(net="ds_cnn", knobs={"width": 16, "depth": 2}))


def test_a_float_model_is_refused() -> None:
    model = nets.build("mlp", tf_keras(), (4,), 2)
    with native_stderr_hidden():
        data = tensorflow().lite.TFLiteConverter.from_keras_model(model).convert()
    with pytest.raises(UnsupportedModel, match="float32"):
        refuse_float_tensors(data)
