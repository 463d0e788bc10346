"""Small students with random weights, one for every kind of layer; inputs `[256, 12, 12, 1]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.keras_modules import keras

X = np.random.default_rng(0).uniform(-0.5, 2.0, (256, 12, 12, 1)).astype(np.float32)

Build = Callable[[Any, Any], Any]
"""(keras.layers, symbolic input) -> symbolic output."""


def student(body: Build) -> Any:
    """Input, `body`, pooling of what has axes left, five logits; batch norms with random scales of both signs."""
    k = keras()
    k.utils.set_random_seed(5)
    inputs = k.Input((12, 12, 1))
    x = body(k.layers, inputs)
    if len(x.shape) == 4:
        x = k.layers.GlobalAveragePooling2D()(x)
    if len(x.shape) == 3:
        x = k.layers.GlobalAveragePooling1D()(x)
    return randomized(k.Model(inputs, k.layers.Dense(5)(x)))


def randomized(model: Any) -> Any:
    """Every batch norm's scale and shift drawn, its statistics measured."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.gamma.assign(rng.normal(size=layer.gamma.shape))
            layer.beta.assign(rng.normal(size=layer.beta.shape))
    reestimate_batch_norm(model, X)
    return model


def _conv(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.BatchNormalization()(layers.Conv2D(8, 3, strides=2, padding="same")(x))
    return layers.Conv2D(4, 3, dilation_rate=2, groups=2, activation="relu6")(x)


def _depthwise(layers: Any, x: Any) -> Any:
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same")(layers.Conv2D(4, 3)(x))
    return layers.SeparableConv2D(6, 3, activation="relu")(layers.ReLU(6.0)(layers.BatchNormalization()(x)))


def _transposed(layers: Any, x: Any) -> Any:
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same")(layers.Conv2D(4, 3, strides=2, activation="relu")(x))
    return layers.Conv2DTranspose(3, 2, strides=2)(layers.ReLU()(layers.BatchNormalization()(x)))


def _squeeze_excite(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(8, 3, activation="hard_swish")(x)
    gate = layers.Conv2D(4, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Multiply()([x, layers.Conv2D(8, 1, activation="hard_sigmoid")(gate)])


def _joins(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(3, 3)(x)
    sides = [
        layers.Conv2D(4, 1, activation="relu")(x),
        x,
        layers.Conv2D(4, 1, activation="sigmoid")(x),
        layers.MaxPooling2D(3, 1, "same")(x),
    ]
    return layers.Concatenate()(sides)


def _residual(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(4, 3)(x)
    for _ in range(2):
        x = layers.Add()([x, layers.Conv2D(4, 3, padding="same")(layers.ReLU()(layers.BatchNormalization()(x)))])
    return layers.Maximum()([x, layers.Subtract()([x, layers.Conv2D(4, 1)(x)])])


def _activations(layers: Any, x: Any) -> Any:
    for name in ("leaky_relu", "tanh", "silu", "gelu", "sigmoid"):
        x = layers.Conv2D(4, 3, activation=name, padding="same")(x)
    return x


def _windows(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(4, 3)(layers.ZeroPadding2D(((1, 0), (2, 1)))(x))
    x = layers.MaxPooling2D(2)(layers.AveragePooling2D(3, 2, padding="same")(x))
    x = layers.Resizing(7, 5, interpolation="nearest")(layers.UpSampling2D(2)(x))
    return layers.Flatten()(layers.Permute((3, 1, 2))(layers.Cropping2D(1)(x)))


def _shared(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(4, 3)(x)
    twice = layers.Conv2D(4, 3, padding="same")
    return layers.Concatenate()([twice(x), twice(layers.ReLU()(twice(x)))])


def _nested(layers: Any, x: Any) -> Any:
    k = keras()
    inner = k.Input((10, 10, 4))
    return k.Model(inner, layers.Conv2D(6, 3, activation="relu")(layers.BatchNormalization()(inner)))(layers.Conv2D(4, 3)(x))


def _operators(layers: Any, x: Any) -> Any:
    x = layers.Conv2D(4, 3)(x)
    return x + layers.Conv2D(4, 1)(x) * x


def _sequence(layers: Any, x: Any) -> Any:
    x = layers.Conv1D(8, 3, padding="causal", dilation_rate=2, activation="relu")(layers.Reshape((12, 12))(x))
    x = layers.SeparableConv1D(6, 3)(layers.BatchNormalization()(x))
    x = layers.Dense(6, activation="relu")(layers.MaxPooling1D(2)(x))
    return layers.AveragePooling1D(2)(layers.DepthwiseConv1D(3)(layers.ZeroPadding1D(1)(x)))


def _dense(layers: Any, x: Any) -> Any:
    x = layers.Flatten()(layers.MaxPooling2D(2)(layers.Dropout(0.3)(layers.Rescaling(0.5, -0.2)(x))))
    return layers.LeakyReLU()(layers.BatchNormalization()(layers.Dense(7)(x)))


EXACT: dict[str, Build] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "transposed": _transposed,
    "squeeze_excite": _squeeze_excite,
    "joins": _joins,
    "residual": _residual,
    "activations": _activations,
    "windows": _windows,
    "shared": _shared,
    "nested": _nested,
    "operators": _operators,
    "sequence": _sequence,
    "dense": _dense,
}
"""Students whose evaluation is that of the integers, bit for bit."""

CLOSE: dict[str, Build] = {
    "bilinear": lambda layers, x: layers.Resizing(9, 11)(layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2D(4, 3)(x))),
    "softmax": lambda layers, x: layers.Softmax()(layers.Dense(6)(layers.Flatten()(x))),
}
"""Students with a kernel in fixed point that evaluation does not follow."""
