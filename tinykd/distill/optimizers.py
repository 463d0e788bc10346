"""Optimizers by name, for either Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from tinykd.recipe.model import Training


def _adam(keras: ModuleType, training: Training) -> Any:
    return keras.optimizers.Adam(training.learning_rate, weight_decay=training.weight_decay or None)


def _adamw(keras: ModuleType, training: Training) -> Any:
    return keras.optimizers.AdamW(training.learning_rate, weight_decay=training.weight_decay)


def _sgd(keras: ModuleType, training: Training) -> Any:
    return keras.optimizers.SGD(
        training.learning_rate, momentum=training.momentum, nesterov=training.momentum > 0, weight_decay=training.weight_decay or None
    )


OPTIMIZERS: dict[str, Callable[[ModuleType, Training], Any]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
}


def build_optimizer(keras: ModuleType, training: Training, variables: Sequence[Any]) -> Any:
    """An optimizer with its slots in place. Weight decay is decoupled and spares biases, batch-norm scales and learned ranges.

    Args:
        keras: `keras` or `tf_keras`, whichever made the network.
        variables: What it will move.
    """
    optimizer = OPTIMIZERS[training.optimizer](keras, training)
    if training.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta", "range"])
    optimizer.build(variables)
    return optimizer
