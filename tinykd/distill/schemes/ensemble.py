"""An ensemble as one network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinykd.distill.keras_modules import keras as _keras


def ensemble(members: Sequence[Any], temperature: float = 1.0) -> Any:
    """Members' mean probabilities, as logits: `T log mean_k softmax(z_k / T)`; softened by `T` again it is the mean itself.

    Args:
        members: Keras 3 models, inputs `[batch, ...]` -> logits `[batch, classes]`; renamed, since names must differ.
        temperature: `T`.

    Returns:
        Functional model, inputs -> logits.
    """
    keras = _keras()
    inputs = keras.Input(tuple(members[0].input_shape[1:]), name="input")
    logits = []
    for number, member in enumerate(members):
        member.name = f"member{number}"
        logits.append(member(inputs))
    return numbered(keras.Model(inputs, mean_logits(logits, temperature), name="ensemble"))


def mean_logits(logits: Sequence[Any], temperature: float = 1.0) -> Any:
    """`T log mean_k softmax(z_k / T)` of symbolic logits, by layers that a file can hold."""
    keras = _keras()
    if len(logits) == 1:
        return logits[0]
    softened = [
        keras.layers.Softmax(name=f"softmax{number}")(keras.layers.Rescaling(1.0 / temperature, name=f"softened{number}")(each))
        for number, each in enumerate(logits)
    ]
    mean = keras.layers.Average(name="mean")(softened)
    return keras.layers.Rescaling(temperature, name="mean_logits")(keras.ops.log(mean + 1e-30))


def numbered(model: Any) -> Any:
    """Name a functional model's bare operations by their places in it: Keras counts them through the process, on which no file depends."""
    keras = _keras()
    for number, operation in enumerate(model.operations):
        if not isinstance(operation, keras.layers.Layer):
            operation.name = f"{type(operation).__name__.lower()}_at_{number}"
    return model
