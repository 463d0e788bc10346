"""Architectures by name, written once against a `keras` module passed in: Keras 3 or tf_keras.

Every net returns logits, and uses only layers that quantization-aware training and int8 conversion support. Their
knobs are typed in `tinykd.recipe.knobs`, row for row.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from tinykd.errors import DataError, RecipeError
from tinykd.nets.ds_cnn import ds_cnn
from tinykd.nets.mlp import mlp
from tinykd.nets.mobilenet_v2_tiny import mobilenet_v2_tiny
from tinykd.nets.resnet import resnet, resnet8
from tinykd.recipe.knobs import resolve_knobs

__all__ = ["NETS", "build"]

NETS: dict[str, Callable[..., Any]] = {
    "ds_cnn": ds_cnn,
    "resnet8": resnet8,
    "resnet": resnet,
    "mlp": mlp,
    "mobilenet_v2_tiny": mobilenet_v2_tiny,
}


def build(name: str, keras: ModuleType, input_shape: tuple[int, ...], classes: int, **knobs: Any) -> Any:
    """Build the architecture called `name` with fresh weights.

    Args:
        name: A key of `NETS`.
        keras: Keras 3 (`import keras`) or its predecessor (`import tf_keras`); the model belongs to it.
        input_shape: Of one sample: [height, width, channels], or [features] for `mlp`.
        classes: Number of logits, at least 2.
        knobs: Keyword arguments of the architecture.

    Returns:
        A functional model, [batch, *input_shape] -> logits [batch, classes].

    Raises:
        RecipeError: unknown name or knob, or a knob's value is out of range.
        DataError: samples of this shape do not fit the architecture.

    Example:
        >>> import keras
        >>> build("ds_cnn", keras, (28, 28, 1), 10, width=16).count_params()
        1962
    """
    if name not in NETS:
        raise RecipeError(f"no architecture is called {name!r}", f"choose one of {', '.join(NETS)}")
    if classes < 2:
        raise DataError(f"{name} needs at least 2 classes, not {classes}", "look at the labels of the training split")
    if name != "mlp" and len(input_shape) != 3:
        raise DataError(
            f"{name} needs samples of [height, width, channels], not {list(input_shape)}", "choose the net mlp for feature vectors"
        )
    return NETS[name](keras, input_shape=tuple(input_shape), classes=classes, **resolve_knobs(name, knobs))
