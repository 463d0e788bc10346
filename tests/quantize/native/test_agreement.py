"""The network that is trained and LiteRT's integers of the written model are the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.quantize.native.students import CLOSE, EXACT, X, randomized, student
from tinykd import nets
from tinykd.distill.evaluation import predictor
from tinykd.distill.keras_modules import keras
from tinykd.errors import UnsupportedModel
from tinykd.quantize.integers import TfliteModel
from tinykd.quantize.native.engine import NativeEngine
from tinykd.quantize.native.network import FLOAT, QuantizedNetwork
from tinykd.recipe.model import Net, Quantize

pytestmark = pytest.mark.train

SHIPPED = [
    Net(net="ds_cnn", knobs={"width": 8, "depth": 2}),
    Net(net="resnet8", knobs={"width": 4}),
    Net(net="resnet", knobs={"width": 4, "stages": 2, "blocks": 1}),
    Net(net="mobilenet_v2_tiny", knobs={"width": 0.5, "last": 16}),
    Net(net="mlp", knobs={"hidden": [16]}),
]
SAMPLES = X[:64]


def prepared(model: Any, **settings: Any) -> tuple[NativeEngine, QuantizedNetwork]:
    engine = NativeEngine(Quantize(engine="native", **settings))
    return engine, engine.prepare(model, Net(), X, 4)


def steps_apart(engine: NativeEngine, network: QuantizedNetwork) -> float:
    """The largest distance of an answer, in steps of the output."""
    converted = TfliteModel(engine.convert(network))
    return float(np.abs(predictor(network)(SAMPLES) - converted.real_outputs(SAMPLES)).max() / converted.output_step)


@pytest.mark.parametrize("ranges", ["observed", "learned"])
@pytest.mark.parametrize("net", SHIPPED, ids=lambda net: net.net)
def test_shipped_architectures(net: Net, ranges: str) -> None:
    # With this seed a last bit of one step shows: resnet8 and mobilenet_v2_tiny then answer differently.
    keras().utils.set_random_seed(0)
    model = randomized(nets.build(net.net, keras(), (12, 12, 1), 5, **net.knobs))
    engine, network = prepared(model, ranges=ranges)
    network(X[:32], training=True)
    assert steps_apart(engine, network) < 0.01


@pytest.mark.parametrize("name", EXACT)
def test_every_layer(name: str) -> None:
    model = student(EXACT[name])
    engine, network = prepared(model)
    expected = np.asarray(model(SAMPLES))
    # Nothing rounded it is the student; the integers follow it.
    np.testing.assert_allclose(np.asarray(network.run(SAMPLES, FLOAT)[network.network.output]), expected, rtol=1e-3, atol=1e-4)
    assert np.corrcoef(np.asarray(network(SAMPLES)).ravel(), expected.ravel())[0, 1] > 0.995
    assert steps_apart(engine, network) < 0.01


@pytest.mark.parametrize("name", CLOSE)
def test_kernels_in_fixed_point_are_a_step_apart_at_most(name: str) -> None:
    assert steps_apart(*prepared(student(CLOSE[name]))) < 1.01


@pytest.mark.parametrize("seed", range(3))
def test_random_networks(seed: int) -> None:
    """A random chain of layers, with branches."""
    rng = np.random.default_rng(seed)

    def body(layers: Any, x: Any) -> Any:
        for _ in range(6):
            filters = int(rng.integers(2, 7))
            choices = [
                lambda y, f=filters: layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(f, 3, padding="same", use_bias=False)(y))),
                lambda y, f=filters: layers.Conv2D(f, 1, activation="sigmoid")(y),
                lambda y: layers.DepthwiseConv2D(3, padding="same", activation="hard_swish")(y),
                lambda y: layers.Add()([y, layers.Conv2D(y.shape[-1], 3, padding="same")(y)]),
                lambda y, f=filters: layers.Concatenate()([y, layers.Conv2D(f, 1)(y)]),
                lambda y: layers.AveragePooling2D(2, 1)(y),
            ]
            x = choices[int(rng.integers(len(choices)))](x)
        return x

    engine, network = prepared(student(body))
    assert steps_apart(engine, network) < 1.01


def test_sequential_models_and_layer_names() -> None:
    layers = keras().layers
    inner = [layers.Conv2D(4, 3, name="first"), layers.BatchNormalization(name="second"), layers.Flatten(), layers.Dense(5, name="last")]
    engine, network = prepared(keras().Sequential([keras().Input((12, 12, 1)), *inner]))
    assert steps_apart(engine, network) < 0.01
    tapped = network.tapped(X[:2])
    assert tapped["first"].shape == (2, 10, 10, 4)
    np.testing.assert_array_equal(tapped["logits"], tapped["last"])


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda layers, x: layers.LayerNormalization(name="odd")(layers.Conv2D(4, 3)(x)), "'odd' .LayerNormalization."),
        (lambda layers, x: layers.Conv2D(4, 3, activation="elu", name="odd")(x), "'odd' has the activation elu"),
        (lambda layers, x: layers.ReLU(max_value=3.0, name="odd")(x), "'odd' is a rectifier"),
        (lambda layers, x: layers.Softmax(axis=1, name="odd")(x), "'odd' is a softmax over axis 1"),
        (lambda layers, x: layers.Resizing(5, 5, interpolation="bicubic", name="odd")(x), "'odd' resizes by bicubic"),
        (lambda layers, x: layers.Conv2D(3, 3)(x) + 1.0, "takes a constant"),
    ],
)
def test_a_layer_without_integers_is_named(build: Any, name: str) -> None:
    with pytest.raises(UnsupportedModel, match=name) as caught:
        prepared(student(build))
    assert caught.value.hint


def test_a_constant_channel_with_a_large_bias_keeps_its_value() -> None:
    """Weights of zero have no step to speak of; the bias must still fit 32 bits."""

    def body(layers: Any, x: Any) -> Any:
        return layers.Conv2D(3, 1, name="conv")(x)

    model = student(body)
    kernel, _ = model.get_layer("conv").get_weights()
    kernel[..., 1] *= 1e-9
    kernel[..., 2] = 0.0
    model.get_layer("conv").set_weights([kernel, np.array([0.1, 3.0, -2.0], np.float32)])
    engine, network = prepared(model)
    assert steps_apart(engine, network) < 1.01
    expected = np.asarray(model(SAMPLES))
    answers = TfliteModel(engine.convert(network)).real_outputs(SAMPLES)
    assert np.abs(answers - expected).max() < 0.05 * np.abs(expected).max()
