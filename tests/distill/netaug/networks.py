"""Networks that a user might bring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinykd import nets
from tinykd.distill.keras_modules import keras as _keras

keras = _keras()
L = keras.layers


def concatenated() -> Any:
    """Two branches side by side, a biased convolution with its own activation, a map flattened into a dense layer, softmax."""
    inputs = keras.Input((8, 8, 3))
    x = L.Conv2D(4, 3, activation="relu", padding="same")(inputs)
    left, right = L.Conv2D(3, 1)(x), L.DepthwiseConv2D(3, padding="same")(x)
    x = L.Concatenate()([left, right])
    x = L.BatchNormalization()(x)
    x = L.Conv2D(6, 3, strides=2)(L.ReLU()(x))
    x = L.Flatten()(x)
    x = L.BatchNormalization()(L.Dropout(0.0)(x))
    return keras.Model(inputs, L.Dense(5, activation="softmax")(L.Dense(7, activation="gelu")(x)))


def residual() -> Any:
    """A shortcut around a block; a layer in it that network augmentation does not know."""
    inputs = keras.Input((8, 8, 2))
    x = L.Conv2D(4, 3, padding="same", name="first")(inputs)
    y = L.Conv2D(6, 1, name="inside")(x)
    y = L.LayerNormalization(name="unknown")(y)
    y = L.Conv2D(5, 1, name="free")(y)
    y = L.Conv2D(4, 1, name="back")(y)
    return keras.Model(inputs, L.Dense(3, name="logits")(L.GlobalMaxPooling2D()(L.Add(name="sum")([x, y]))))


def sequence() -> Any:
    """One dimension, as a Sequential."""
    return keras.Sequential(
        [
            keras.Input((16, 2)),
            L.Conv1D(4, 3, use_bias=False),
            L.BatchNormalization(scale=False),
            L.LeakyReLU(),
            L.DepthwiseConv1D(3),
            L.MaxPooling1D(),
            L.Conv1D(5, 1),
            L.GlobalAveragePooling1D(),
            L.Dense(3),
        ]
    )


def _net(name: str, shape: tuple[int, ...], **knobs: Any) -> Callable[[], Any]:
    return lambda: nets.build(name, keras, shape, 4, **knobs)


NETWORKS: dict[str, Callable[[], Any]] = {
    "ds_cnn": _net("ds_cnn", (8, 8, 1), width=[3, 4, 6], depth=2),
    "resnet8": _net("resnet8", (8, 8, 3), width=3),
    "resnet": _net("resnet", (8, 8, 3), width=3, stages=2, blocks=2),
    "mlp": _net("mlp", (5, 3), hidden=(6, 4)),
    "mobilenet_v2_tiny": _net("mobilenet_v2_tiny", (8, 8, 3), width=0.5),
    "concatenated": concatenated,
    "residual": residual,
    "sequence": sequence,
}


def random_weights(variables: list[Any], seed: int = 0) -> None:
    """Every weight random; variances positive."""
    random = np.random.default_rng(seed)
    for variable in variables:
        if np.issubdtype(np.dtype(variable.dtype), np.floating):
            values = random.normal(size=variable.shape) / np.sqrt(max(1, np.prod(variable.shape[:-1])))
            variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)


def samples(model: Any, count: int = 6) -> np.ndarray:
    """Inputs, `[count, ...]`."""
    return np.random.default_rng(1).normal(size=(count, *model.input_shape[1:])).astype(np.float32)
