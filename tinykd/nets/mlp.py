"""Multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any


def mlp(keras: ModuleType, *, input_shape: tuple[int, ...], classes: int, hidden: Sequence[int] = (64,)) -> Any:
    """Dense layers with ReLU, then a dense layer of logits.

    Args:
        keras: Keras 3 or tf_keras.
        input_shape: [features], or any shape, which is flattened.
        classes: Number of logits.
        hidden: Units of each hidden layer; empty gives a linear classifier.

    Returns:
        A functional model, [batch, *input_shape] -> logits [batch, classes].
    """
    inputs = keras.Input(input_shape, name="input")
    x = keras.layers.Flatten(name="flatten")(inputs) if len(input_shape) > 1 else inputs
    for index, units in enumerate(hidden, start=1):
        x = keras.layers.Dense(units, kernel_initializer="he_normal", name=f"dense{index}")(x)
        x = keras.layers.ReLU(name=f"dense{index}_relu")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x), name="mlp")
