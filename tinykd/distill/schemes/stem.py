"""Cutting a network in two: where a stem ends, and branches above it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinykd.distill.keras_modules import keras as _keras
from tinykd.errors import RecipeError


def cuts(model: Any) -> list[str]:
    """Names of the activation layers through which alone the logits depend on the input, in order of the forward pass."""
    found = []
    for layer in model.layers:
        if type(layer).__name__ in ("ReLU", "Activation") and layer.output is not model.output and head(model, layer.name) is not None:
            found.append(layer.name)
    return found


def head(model: Any, layer: str) -> Any:
    """The network above `layer`, sharing the model's layers: its output -> logits; None if something goes past it."""
    keras = _keras()
    try:
        return keras.Model(model.get_layer(layer).output, model.output)
    except ValueError:
        return None


def cut(model: Any, layer: str) -> str:
    """The layer where a stem ends: the one named, or for `auto` the middle one of `cuts`.

    Raises:
        RecipeError: there is no such place.
    """
    places = cuts(model)
    if not places:
        raise RecipeError(f"{model.name} cannot be cut in two: it has no hidden activation", "give the student a hidden layer")
    if layer == "auto":
        return places[(len(places) - 1) // 2]
    if layer not in places:
        raise RecipeError(f"{model.name} cannot be cut after {layer}", f"it can after {', '.join(places)}")
    return layer


def embedding(model: Any) -> Any:
    """Symbolic input of the model's last layer, the classifier."""
    return model.layers[-1].input


def share_stem(copies: Sequence[Any], layer: str) -> None:
    """Give every copy the first one's weights up to `layer`: what they had while they shared the stem."""
    first = copies[0]
    keras = _keras()
    names = {each.name for each in keras.Model(first.inputs, first.get_layer(layer).output).layers}
    for copy in copies[1:]:
        for each in copy.layers:
            if each.name in names:
                each.set_weights(first.get_layer(each.name).get_weights())
