"""Fake quantization by hand: grids, gradients, ranges, equalization, errors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.quantize.native.students import X, student
from tinykd.compile.graph import Quant
from tinykd.distill.keras_modules import keras, tensorflow
from tinykd.quantize.native.calibration import Observed, least_squares, min_max, percentile
from tinykd.quantize.native.engine import NativeEngine
from tinykd.quantize.native.equalization import equalize
from tinykd.quantize.native.error import sqnr
from tinykd.quantize.native.network import FLOAT
from tinykd.quantize.native.rounding import FixedRange, LearnedRange, LearnedWeightQuantizer, ObservedRange, WeightQuantizer
from tinykd.quantize.native.weight_grid import uniform
from tinykd.recipe.model import Net, Quantize

pytestmark = pytest.mark.train


def test_weights_round_to_their_channels_step() -> None:
    weights = np.array([[1.27, 0.3], [-0.014, -0.0041], [0.016, 0.1]], np.float32)
    quantizer = WeightQuantizer((0,))
    np.testing.assert_allclose(np.asarray(quantizer.step(weights)), [[0.01, 0.3 / 127]], rtol=1e-6)
    found = np.asarray(quantizer(keras().ops.convert_to_tensor(weights)))
    np.testing.assert_allclose(found[:, 0], [1.27, -0.01, 0.02], rtol=1e-5)
    assert quantizer.integers(weights, np.asarray(quantizer.step(weights)))[:, 1].tolist() == [127, -2, 42]
    assert WeightQuantizer((0,), uniform(4)).largest == 7


def test_a_learned_step_has_the_gradient_of_lsq() -> None:
    """Esser 2020, eq. 3: round(v) - v inside, the limit outside; times 1 / sqrt(n Qp), times the step for its logarithm."""
    tf = tensorflow()
    step = 0.1
    quantizer = LearnedWeightQuantizer((0,), uniform(3), np.array([[step]], np.float32), 4, "layer")
    weights = tf.constant([[0.13], [-0.26], [0.9], [-0.9]])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = tf.reduce_sum(quantizer(weights))
    by_weights, by_log_step = tape.gradient(total, [weights, quantizer.variables[0].value])
    assert by_weights[:, 0].numpy().tolist() == [1.0, 1.0, 0.0, 0.0]
    expected = ((1 - 1.3) + (-3 + 2.6) + 3 - 3) / np.sqrt(4 * 3) * step
    assert float(by_log_step[0, 0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("make", [lambda: ObservedRange("x"), lambda: LearnedRange("x", 10)])
def test_a_range_has_zero_among_its_integers(make: object) -> None:
    one = make()  # type: ignore[operator]
    one.set(-1.0, 4.1)
    quant = one.quant()
    assert quant.scale == pytest.approx(5.1 / 255)
    assert quant.zero_point == -78
    values = np.array([0.0, 0.02, 5.0, -3.0, 0.031], np.float32)
    np.testing.assert_allclose(np.asarray(one(values)), [0.0, 0.02, 205 * 0.02, -50 * 0.02, 0.04], rtol=1e-5)


def test_a_learned_end_at_zero_stays() -> None:
    one = LearnedRange("x", 10)
    one.set(0.3, 2.0)
    one.learned[0].assign(3.0)
    assert one.quant() == Quant((pytest.approx(2 / 255),), (-128,))


def test_prescribed_grids_never_move() -> None:
    one = FixedRange(Quant((1 / 256,), (-128,)))
    one.set(-5.0, 5.0)
    np.testing.assert_allclose(np.asarray(one(np.array([0.5, 1.5, -1.0], np.float32))), [0.5, 255 / 256, 0.0])


def test_calibrations_by_hand() -> None:
    values = np.concatenate([np.linspace(-1, 1, 9999), [50.0]]).astype(np.float32)
    observed = Observed(np.array([-1.0, -0.5], np.float32), np.array([1.0, 50.0], np.float32), values)
    assert min_max(observed) == (-0.75, 25.5)
    low, high = percentile(observed, 99.9)
    assert low == -0.75
    assert high == pytest.approx(0.999, abs=2e-3)
    # One value of ten thousand is worth clipping somewhat, and the bulk is kept.
    low, high = least_squares(observed)
    assert high < 50.0
    assert low <= -0.5


def test_ranges_follow_the_batches_until_they_stand_still() -> None:
    engine = NativeEngine(Quantize(engine="native", freeze_ranges=1))
    network = engine.prepare(student(lambda layers, x: layers.Conv2D(4, 3)(x)), Net(), X, 1)
    last = network.ranges[-1]
    before = float(last.quant().scale)
    network(X * 10, training=True)
    after = float(last.quant().scale)
    assert before < after < 10 * before
    network(X * 100, training=True)
    assert float(last.quant().scale) == after


def test_equalization_changes_no_answer_and_evens_out_channels() -> None:
    def body(layers: object, x: object) -> object:
        x = layers.Conv2D(6, 3, use_bias=False)(x)  # type: ignore[attr-defined]
        x = layers.ReLU()(layers.BatchNormalization()(x))  # type: ignore[attr-defined]
        x = layers.DepthwiseConv2D(3, activation="relu")(x)  # type: ignore[attr-defined]
        return layers.Conv2D(4, 1)(x)  # type: ignore[attr-defined]

    model = student(body)
    norm = next(layer for layer in model.layers if type(layer).__name__ == "BatchNormalization")
    norm.gamma.assign([100.0, 1.0, 0.01, 3.0, -2.0, 1.0])
    expected = np.asarray(model(X[:32]))
    engine = NativeEngine(Quantize(engine="native"))
    network = engine.prepare(model, Net(), X, 1)
    gains = np.abs(np.asarray(network.get_layer(norm.name).gamma.value))
    assert len(equalize(network.network)) == 3  # into the depthwise filters, out of them, and through the pooling into the logits
    np.testing.assert_allclose(np.asarray(network.run(X[:32], FLOAT)[network.network.output]), expected, rtol=1e-3, atol=1e-3)
    evened = np.abs(np.asarray(network.get_layer(norm.name).gamma.value))
    assert evened.max() / evened.min() < gains.max() / gains.min() / 10


def test_signal_to_noise_by_hand() -> None:
    assert sqnr(np.array([10.0, 0.0]), np.array([10.0, 1.0])) == pytest.approx(20.0)
    assert sqnr(np.zeros(2), np.zeros(2)) == 140.0
    assert sqnr(np.zeros(2), np.ones(2)) == 0.0
