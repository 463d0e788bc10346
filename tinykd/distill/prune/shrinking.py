"""The smaller network: the same layers under the same names, with the weights of the channels that stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.keras_modules import keras as _keras
from tinykd.distill.netaug.cut import positions
from tinykd.distill.netaug.groups import Grouping

Positions = NDArray[np.int64]
"""Of the channels of a group that stay, ascending."""


def shrunk(model: Any, grouping: Grouping, kept: Sequence[Positions]) -> Any:
    """A plain Keras 3 model that computes what `model` computes if the other channels are zero wherever they are read.

    Args:
        model: Functional Keras 3 model of one input.
        grouping: Of the model, at its own widths.
        kept: By group.
    """
    keras = _keras()
    from tinykd.distill.netaug.layers import COUNTED, ELASTIC

    def narrowed(layer: Any) -> Any:
        config, kind = layer.get_config(), type(layer).__name__
        if kind in COUNTED and layer.name in grouping.entering:
            config[COUNTED[kind]] = len(positions(grouping.groups, grouping.leaving[layer.name], kept))
        if kind == "Reshape" and len(layer.output.shape) == 2:
            config["target_shape"] = (-1,)  # as many as there are now
        return type(layer).from_config(config)

    small = keras.models.clone_model(model, clone_function=narrowed)
    for layer in model.layers:
        if not layer.variables:
            continue
        smaller = small.get_layer(layer.name)
        axes = ELASTIC[type(layer).__name__].AXES if type(layer).__name__ in ELASTIC and layer.name in grouping.entering else {}
        sides = {id(getattr(layer, name)): sides for name, sides in axes.items() if getattr(layer, name, None) is not None}
        for variable, target in zip(layer.variables, smaller.variables, strict=True):
            target.assign(_cut(np.asarray(variable), sides.get(id(variable), {}), layer.name, grouping, kept))
    return small


def _cut(values: NDArray[Any], sides: Any, layer: str, grouping: Grouping, kept: Sequence[Positions]) -> NDArray[Any]:
    for axis, side in sides.items():
        layout = {"entering": grouping.entering, "leaving": grouping.leaving}[side][layer]
        values = np.take(values, positions(grouping.groups, layout, kept), axis=axis)
    return values
