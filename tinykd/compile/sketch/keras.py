"""A Keras model as a sketch: the operators that its conversion to int8 leaves, without training or converting it.

Keras is not imported: a functional model of Keras 3 or tf_keras is asked for its layers and what they are connected to. Batch
normalization is taken to fold into the layer before it (a convolution or a dense layer), ReLU fuses with it, dropout is nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tinykd.compile.graph import Graph
from tinykd.compile.sketch.network import Activation, Sketch
from tinykd.errors import UnsupportedModel

_NOTHING = ("BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise")


def from_keras(model: Any) -> Graph:
    """The graph of a functional model that takes one sample at a time.

    Raises:
        UnsupportedModel: a layer that no sketch has.
    """
    net, known = Sketch(), dict[int, int]()
    for layer in model.layers:
        kind, output = type(layer).__name__, id(layer.output)
        sources = [known[id(tensor)] for tensor in _listed(layer.input)] if kind != "InputLayer" else []
        if kind == "InputLayer":
            known[output] = net.input(*layer.output.shape[1:])
        elif kind in _NOTHING or _rectifier(layer) is not None:
            known[output] = sources[0]  # part of the layer before
        elif kind in _LAYERS:
            known[output] = _LAYERS[kind](net, layer, sources, _activation(model, layer))
        else:
            raise UnsupportedModel(
                f"layer '{layer.name}' of type {kind} has no sketch", f"layers that have: {', '.join(sorted((*_LAYERS, *_NOTHING)))}"
            )
    return net.graph(*(known[id(tensor)] for tensor in _listed(model.output)), name=model.name)


def _listed(tensors: Any) -> list[Any]:
    return list(tensors) if isinstance(tensors, (list, tuple)) else [tensors]


def _rectifier(layer: Any) -> Activation | None:
    """The activation that a layer is, if it does nothing else and fuses."""
    kind = type(layer).__name__
    if kind == "ReLU":
        return "relu6" if layer.max_value == 6 else "relu"
    return _named(layer) if kind == "Activation" and layer.activation.__name__ in ("relu", "relu6") else None


def _named(layer: Any) -> Activation:
    """What fuses of a layer's `activation`; a softmax is drawn by the dense layer that has it.

    Raises:
        UnsupportedModel: it would be an operator of its own.
    """
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if name not in ("linear", "relu", "relu6", "softmax"):
        raise UnsupportedModel(f"layer '{layer.name}' ends with {name}, which has no sketch", "sketch the layer with relu, relu6 or none")
    return "relu6" if name == "relu6" else "relu" if name == "relu" else "none"


def _activation(model: Any, layer: Any) -> Activation:
    """A layer's own activation, or the one that alone reads it."""
    own = _named(layer)
    if own != "none":
        return own
    readers = [other for other in model.layers if any(tensor is layer.output for tensor in _inputs(other))]
    if len(readers) != 1:
        return "none"
    return _activation(model, readers[0]) if type(readers[0]).__name__ in _NOTHING else _rectifier(readers[0]) or "none"


def _inputs(layer: Any) -> list[Any]:
    return [] if type(layer).__name__ == "InputLayer" else _listed(layer.input)


def _conv_2d(net: Sketch, layer: Any, sources: list[int], activation: Activation) -> int:
    windows = {"stride": layer.strides, "dilation": layer.dilation_rate, "padding": layer.padding}
    return net.conv_2d(sources[0], layer.filters, layer.kernel_size, groups=layer.groups, activation=activation, **windows)


def _depthwise(net: Sketch, layer: Any, sources: list[int], activation: Activation) -> int:
    windows = {"stride": layer.strides, "dilation": layer.dilation_rate, "padding": layer.padding}
    return net.depthwise_conv_2d(sources[0], layer.kernel_size, multiplier=layer.depth_multiplier, activation=activation, **windows)


def _dense(net: Sketch, layer: Any, sources: list[int], activation: Activation) -> int:
    result = net.dense(sources[0], layer.units, activation=activation)
    return net.softmax(result) if getattr(layer.activation, "__name__", "") == "softmax" else result


def _add(net: Sketch, _: Any, sources: list[int], activation: Activation) -> int:
    first, *others, last = sources
    for other in others:
        first = net.add(first, other)
    return net.add(first, last, activation=activation)


def _flatten(net: Sketch, layer: Any, sources: list[int], _: Activation) -> int:
    return net.reshape(sources[0], *layer.output.shape[1:])


def _global_pool(net: Sketch, layer: Any, sources: list[int], _: Activation) -> int:
    pooled = net.global_average_pool(sources[0])
    return pooled if layer.keepdims else net.reshape(pooled, net.shape(pooled)[-1])


_LAYERS: Mapping[str, Callable[[Sketch, Any, list[int], Activation], int]] = {
    "Conv2D": _conv_2d,
    "DepthwiseConv2D": _depthwise,
    "Dense": _dense,
    "Flatten": _flatten,
    "Reshape": _flatten,
    "GlobalAveragePooling2D": _global_pool,
    "AveragePooling2D": lambda net, k, s, _: net.average_pool_2d(s[0], k.pool_size, stride=k.strides, padding=k.padding),
    "MaxPooling2D": lambda net, k, s, _: net.max_pool_2d(s[0], k.pool_size, stride=k.strides, padding=k.padding),
    "Add": _add,
    "Multiply": lambda net, _, s, __: net.mul(s[0], s[1]),
    "Concatenate": lambda net, _, s, __: net.concatenate(*s),
    "Softmax": lambda net, _, s, __: net.softmax(s[0]),
}
"""How layers are drawn, by type."""
