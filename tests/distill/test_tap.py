"""A network's layers, read in the pass that gives its logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinykd import nets
from tinykd.distill.keras_modules import keras, tf_keras
from tinykd.distill.tap import layer_shapes, pre_activations, tap
from tinykd.errors import UnsupportedModel
from tinykd.quantize.engine import ENGINES
from tinykd.quantize.tfmot import TfmotEngine
from tinykd.recipe.model import Net, Quantize

pytestmark = pytest.mark.train

SHAPE, CLASSES = (8, 8, 1), 3
X = np.random.default_rng(0).random((5, *SHAPE), dtype=np.float32)
LAYER = "block1_depthwise_relu"


def network(library: Any) -> Any:
    library.utils.set_random_seed(0)
    return nets.build("ds_cnn", library, SHAPE, CLASSES, width=4, depth=2)


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_layers_and_logits_of_one_pass(library: Any) -> None:
    model = network(library())
    shapes = layer_shapes(model)
    assert next(iter(shapes)) == "conv"
    assert list(shapes)[-1] == "logits"
    assert shapes[LAYER] == (4, 4, 4)
    outputs = tap(model, [LAYER, "pool"])(X, training=False)
    assert set(outputs) == {"logits", LAYER, "pool"}
    np.testing.assert_allclose(outputs["logits"], model(X, training=False), rtol=1e-6)
    # The rest of the network by hand: pooled by NumPy from the last map, then the dense layer's own kernel.
    kernel, bias = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(np.asarray(outputs["pool"]) @ kernel + bias, outputs["logits"], rtol=1e-5, atol=1e-6)


def test_an_output_is_called_logits_whatever_its_layer() -> None:
    library = keras()
    inputs = library.Input((2,))
    hidden = library.layers.Dense(3, name="logits")(inputs)
    model = library.Model(inputs, library.layers.Dense(4, name="answers")(hidden))
    assert layer_shapes(model) == {"logits": (4,)}


def test_the_twin_for_quantization_keeps_its_layers_names() -> None:
    student = network(keras())
    twin = TfmotEngine().prepare(student, Net.model_validate({"net": "ds_cnn", "knobs": {"width": 4, "depth": 2}}), X)
    assert set(layer_shapes(student)) <= set(layer_shapes(twin))
    float_map = tap(student, [LAYER])(X, training=False)[LAYER]
    int8_map = tap(twin, [LAYER])(X, training=False)[LAYER]
    assert np.abs(np.asarray(float_map) - np.asarray(int8_map)).max() < 0.1 * np.abs(np.asarray(float_map)).max()


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_what_is_before_a_relu(library: Any) -> None:
    found = pre_activations(network(library()))
    assert found == {
        f"{name}_relu": f"{name}_bn" for name in ("conv", *(f"block{n}_{part}" for n in (1, 2) for part in ("depthwise", "pointwise")))
    }
    other = library()
    inputs = other.Input((2,))
    hidden = other.layers.Dense(3, name="dense")(inputs)
    hidden = other.layers.Activation("relu", name="on")(other.layers.Activation("tanh", name="bent")(hidden))
    model = other.Model(inputs, other.layers.Dense(2, activation="relu", name="inside")(hidden))
    assert pre_activations(model) == {"on": "bent"}


@pytest.mark.parametrize("engine", list(ENGINES))
def test_pre_activations_stay_so_while_quantized(engine: str) -> None:
    """The losses of the float student go on in quantization-aware training, and read the same layers."""
    student, name = network(keras()), "block1_depthwise_bn"
    twin = ENGINES[engine](Quantize()).prepare(student, Net.model_validate({"net": "ds_cnn", "knobs": {"width": 4, "depth": 2}}), X, 1)
    expected, found = (np.asarray(tap(one, [name])(X, training=False)[name]) for one in (student, twin))
    assert expected.min() < -0.1
    assert np.abs(expected - found).max() < 0.1 * np.abs(expected).max()


def test_what_cannot_be_read_is_refused() -> None:
    model = network(keras())
    with pytest.raises(UnsupportedModel, match="no layer nowhere"):
        tap(model, ["nowhere"])
