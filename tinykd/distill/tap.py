"""Reading a network's layers in the same forward pass as its logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tinykd.distill.keras_modules import tf_keras
from tinykd.distill.pairs import Shape
from tinykd.errors import UnsupportedModel

LOGITS = "logits"
"""What the network's own output is called among its layers."""

#: What tensorflow-model-optimization puts before the name of a layer that it wraps.
QUANTIZED = "quant_"


def layer_shapes(model: Any) -> dict[str, Shape]:
    """Every layer that can be read, in order of the forward pass, with the shape of one sample's output.

    The network's input is none of them; its output is called `logits` whatever its layer's name.

    Raises:
        UnsupportedModel: it has no graph of layers (subclassed).
    """
    return {name: tuple(int(size) for size in output.shape[1:]) for name, output in _outputs(model) if None not in tuple(output.shape[1:])}


def pre_activations(model: Any) -> dict[str, str]:
    """Of every ReLU that is a layer of its own, the layer before it, where that one can be read too."""
    readable = layer_shapes(model)
    found = {}
    for layer in model.layers:
        if not _rectifies(layer):
            continue
        try:
            history = layer.input._keras_history
        except (AttributeError, ValueError, RuntimeError):  # used several times, or not part of a graph
            continue
        before = getattr(history, "operation", None) or history.layer
        name, source = (one.name.removeprefix(QUANTIZED) for one in (layer, before))
        if source in readable:
            found[name] = source
    return found


def _rectifies(layer: Any) -> bool:
    activation = getattr(getattr(layer, "activation", None), "__name__", "")
    return type(layer).__name__ in ("ReLU", "ReLU6") or (type(layer).__name__ == "Activation" and activation in ("relu", "relu6"))


def tap(model: Any, layers: Sequence[str]) -> Callable[..., Mapping[str, Any]]:
    """`(x, training=...) -> {"logits": ..., layer: ...}`, the network run once.

    Args:
        model: Of either Keras, or one that taps itself (`tapped`). In one prepared for quantization-aware training a layer is
            found under the name it had before.
        layers: Names of layers.

    Raises:
        UnsupportedModel: there is no such layer to read.
    """
    if hasattr(model, "tapped"):
        itself: Callable[..., Mapping[str, Any]] = model.tapped
        return itself
    if not layers:
        return lambda x, training: {LOGITS: model(x, training=training)}
    found = dict(_outputs(model))
    missing = [name for name in layers if name not in found]
    if missing:
        raise UnsupportedModel(
            f"{model.name} has no layer {missing[0]} that could be read", "feature losses need a functional or sequential Keras model"
        )
    legacy = isinstance(model, tf_keras().Model)
    keras = tf_keras() if legacy else _keras()
    tapped: Callable[..., Mapping[str, Any]] = keras.Model(model.inputs, {LOGITS: model.output} | {name: found[name] for name in layers})
    return tapped


def _keras() -> Any:
    from tinykd.distill.keras_modules import keras

    return keras()


def _outputs(model: Any) -> Iterator[tuple[str, Any]]:
    """Name and symbolic output of every layer that can be read; the network's own output comes last, as `logits`."""
    try:
        logits = model.output
    except (AttributeError, ValueError):
        raise UnsupportedModel(f"{model.name} shows no output: it is not functional or sequential", "build it from keras.Input") from None
    for layer in model.layers:
        if type(layer).__name__ in ("InputLayer", "QuantizeLayer"):
            continue
        try:
            output = layer.output
        except (AttributeError, ValueError, RuntimeError):  # used several times, or not part of a graph
            continue
        name = layer.name.removeprefix(QUANTIZED)
        if hasattr(output, "shape") and output is not logits and name != LOGITS:
            yield name, output
    yield LOGITS, logits
