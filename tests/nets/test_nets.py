"""Architectures: parameters counted by hand, layers that fold, and the same function in both Kerases."""

from __future__ import annotations

import inspect
import os
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tinykd.errors import DataError, RecipeError
from tinykd.nets import NETS, build
from tinykd.recipe.knobs import KNOBS

pytestmark = pytest.mark.train

#: What quantization-aware training (tfmot's default 8-bit scheme) and int8 conversion both take.
ALLOWED = {"InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add", "GlobalAveragePooling2D", "Dense", "Flatten"}


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # for tf.keras alone; `import keras` stays Keras 3
    return pytest.importorskip("keras")


@pytest.fixture(scope="module")
def tf_keras(keras: ModuleType) -> ModuleType:
    return pytest.importorskip("tf_keras")


def conv(kernel: int, inputs: int, outputs: int) -> int:
    """Weights of a convolution without bias and its batch normalization (scale, shift, mean, variance)."""
    return kernel * inputs * outputs + 4 * outputs


def depthwise(channels: int) -> int:
    return 9 * channels + 4 * channels


def dense(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


# ResNet-8 as MLPerf Tiny has it, but without biases in convolutions that a batch normalization follows, and with
# batch normalization on the shortcuts: 9*3*16 + ... counted stage by stage.
RESNET8_CIFAR = (
    conv(9, 3, 16)
    + 2 * conv(9, 16, 16)
    + conv(9, 16, 32)
    + conv(9, 32, 32)
    + conv(1, 16, 32)
    + conv(9, 32, 64)
    + conv(9, 64, 64)
    + conv(1, 32, 64)
    + dense(64, 10)
)
CASES: list[tuple[str, tuple[int, ...], dict[str, Any], int]] = [
    ("ds_cnn", (8, 8, 1), {}, conv(9, 1, 32) + 3 * (depthwise(32) + conv(1, 32, 32)) + dense(32, 10)),
    (
        "ds_cnn",
        (28, 28, 2),
        {"width": [4, 8, 12], "depth": 2, "first_kernel": [5, 3], "strides": [2]},
        conv(15, 2, 4) + depthwise(4) + conv(1, 4, 8) + depthwise(8) + conv(1, 8, 12) + dense(12, 10),
    ),
    ("resnet8", (32, 32, 3), {}, RESNET8_CIFAR),
    ("resnet", (8, 8, 1), {"width": 4, "stages": 1, "blocks": 3}, conv(9, 1, 4) + 6 * conv(9, 4, 4) + dense(4, 10)),
    ("mlp", (20,), {"hidden": [7, 5]}, dense(20, 7) + dense(7, 5) + dense(5, 10)),
    ("mlp", (4, 5, 1), {"hidden": []}, dense(20, 10)),
    (
        "mobilenet_v2_tiny",
        (16, 16, 3),
        {"stages": [[8, 1, 1], [8, 2, 2]], "expansion": 3, "last": 16},
        conv(9, 3, 8)
        + (depthwise(8) + conv(1, 8, 8))
        + 2 * (conv(1, 8, 24) + depthwise(24) + conv(1, 24, 8))
        + conv(1, 8, 16)
        + dense(16, 10),
    ),
]


@pytest.mark.parametrize(("name", "shape", "knobs", "parameters"), CASES)
def test_parameters_counted_by_hand(keras: ModuleType, name: str, shape: tuple[int, ...], knobs: dict[str, Any], parameters: int) -> None:
    model = build(name, keras, shape, 10, **knobs)
    assert model.count_params() == parameters
    assert model.input_shape == (None, *shape)
    assert model.output_shape == (None, 10)


def test_digits_default_is_tiny(keras: ModuleType) -> None:
    assert build("ds_cnn", keras, (8, 8, 1), 10).count_params() < 6_000


@pytest.mark.parametrize(("name", "shape", "knobs", "parameters"), CASES)
def test_both_kerases_compute_the_same(
    keras: ModuleType, tf_keras: ModuleType, name: str, shape: tuple[int, ...], knobs: dict[str, Any], parameters: int
) -> None:
    modern, legacy = build(name, keras, shape, 10, **knobs), build(name, tf_keras, shape, 10, **knobs)
    assert type(modern).__module__.split(".")[0] != type(legacy).__module__.split(".")[0]
    rng = np.random.default_rng(0)
    weights = {}
    for layer in modern.layers:
        values = [rng.uniform(0.1, 1, w.shape) * (1 if "variance" in w.name else rng.choice([-1, 1], w.shape)) for w in layer.weights]
        weights[layer.name] = values
        layer.set_weights(values)
    for layer in legacy.layers:
        layer.set_weights(weights[layer.name])
    x = rng.standard_normal((3, *shape)).astype(np.float32)
    expected = np.asarray(modern(x, training=False))
    # Sums of float32 in another order: relative to the largest logit.
    assert np.abs(np.asarray(legacy(x, training=False)) - expected).max() <= 1e-5 * np.abs(expected).max()
    assert np.ptp(expected) > 0


@pytest.mark.parametrize(("name", "shape", "knobs", "parameters"), CASES)
def test_layers_fold_and_convert(keras: ModuleType, name: str, shape: tuple[int, ...], knobs: dict[str, Any], parameters: int) -> None:
    model = build(name, keras, shape, 10, **knobs)
    assert {type(layer).__name__ for layer in model.layers} <= ALLOWED
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            before = layer.input._keras_history.operation
            assert type(before).__name__ in ("Conv2D", "DepthwiseConv2D")
            assert not before.use_bias
    last = model.layers[-1]
    assert (type(last).__name__, last.name, last.activation.__name__) == ("Dense", "logits", "linear")


@pytest.mark.parametrize(("name", "shape", "knobs", "parameters"), CASES)
def test_quantization_aware_training_takes_every_layer(
    tf_keras: ModuleType, name: str, shape: tuple[int, ...], knobs: dict[str, Any], parameters: int
) -> None:
    tfmot = pytest.importorskip("tensorflow_model_optimization")
    model = build(name, tf_keras, shape, 10, **knobs)
    quantized = tfmot.quantization.keras.quantize_model(model)
    wrapped = {layer.layer.name for layer in quantized.layers if type(layer).__name__ == "QuantizeWrapperV2"}
    assert wrapped == {layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"}


def test_names_do_not_depend_on_what_was_built_before(keras: ModuleType) -> None:
    first = [layer.name for layer in build("mobilenet_v2_tiny", keras, (8, 8, 1), 3).layers]
    assert [layer.name for layer in build("mobilenet_v2_tiny", keras, (8, 8, 1), 3).layers] == first
    assert "stage2_block1_depthwise" in first


def test_strides_halve_the_map(keras: ModuleType) -> None:
    model = build("ds_cnn", keras, (49, 40, 1), 10, strides=[2, 1, 2], depth=3)
    assert model.get_layer("pool").input.shape[1:3] == (13, 10)  # ceil(ceil(49 / 2) / 2), ceil(ceil(40 / 2) / 2)


def test_every_net_has_typed_knobs_with_equal_defaults() -> None:
    assert set(NETS) == set(KNOBS)
    for name, net in NETS.items():
        parameters = inspect.signature(net).parameters.values()
        defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
        assert KNOBS[name]().model_dump() == defaults


def test_mistakes_are_errors(keras: ModuleType) -> None:
    with pytest.raises(RecipeError, match="no architecture is called 'resnet9'"):
        build("resnet9", keras, (8, 8, 1), 10)
    with pytest.raises(RecipeError, match=r"ds_cnn: widht: .*\n.*width, depth"):
        build("ds_cnn", keras, (8, 8, 1), 10, widht=3)
    with pytest.raises(DataError, match="height, width, channels"):
        build("ds_cnn", keras, (64,), 10)
    with pytest.raises(DataError, match="at least 2 classes"):
        build("mlp", keras, (64,), 1)
