"""From a functional or sequential Keras 3 model to nodes. The nodes hold the model's own variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from tinykd.compile.ops.activation import RELU, RELU6
from tinykd.errors import UnsupportedModel
from tinykd.quantize.native import elementwise, weighted, windows
from tinykd.quantize.native.batch_norm import BatchNorm, Constants
from tinykd.quantize.native.node import Node, Nodes, Operation, Source

REPLACE = "replace it, or leave the student in float32 and quantize another one"


FIXED_SIZE = "give keras.Input every size but the batch's"


class Reader:
    """Nodes under construction."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.names: dict[str, int] = {}
        self._tensors: dict[int, int] = {}

    def read(self, model: Any, inputs: Sequence[int]) -> list[int]:
        """The nodes of `model`'s outputs, its inputs being `inputs`."""
        for tensor, node in zip(model.inputs, inputs, strict=True):
            self._tensors[id(tensor)] = node
        graph = model if hasattr(model, "_nodes_by_depth") else model._functional
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for call in graph._nodes_by_depth[depth]:
                if not call.is_input:
                    self._call(call)
        return [self._tensors[id(tensor)] for tensor in model.outputs]

    def add(self, name: str, operation: Operation, inputs: Sequence[int], shape: Sequence[int]) -> int:
        """A further node."""
        self.nodes.append(Node(name, operation, tuple(inputs), tuple(shape)))
        return len(self.nodes) - 1

    def shape(self, node: int) -> tuple[int, ...]:
        """Of one sample's result."""
        return self.nodes[node].shape

    def _call(self, call: Any) -> None:
        layer, sources = call.operation, [self._tensors[id(tensor)] for tensor in call.input_tensors]
        kind = type(layer).__name__
        if hasattr(layer, "_nodes_by_depth") or hasattr(layer, "_functional"):
            results = self.read(layer, sources)
        else:
            row = LAYERS.get(kind)
            if row is None:
                raise UnsupportedModel(f"layer '{layer.name}' ({kind}) has no form in integers here", REPLACE)
            if getattr(layer, "data_format", "channels_last") != "channels_last":
                raise UnsupportedModel(f"layer '{layer.name}' has its channels first", 'build it with data_format="channels_last"')
            shape = tuple(call.output_tensors[0].shape[1:])
            if None in shape:
                raise UnsupportedModel(f"layer '{layer.name}' has an open size: {[None, *shape]}", FIXED_SIZE)
            before = len(self.nodes)
            results = [row(self, layer, sources, shape)]
            if len(self.nodes) > before:  # the layer's name belongs to what it ends with
                last = self.nodes[results[0]]
                self.nodes[results[0]] = Node(layer.name, last.operation, last.inputs, last.shape)
        for tensor, result in zip(call.output_tensors, results, strict=True):
            self._tensors[id(tensor)] = result
        if len(results) == 1:
            self.names.setdefault(layer.name, results[0])


def read(model: Any) -> Nodes:
    """The model as nodes.

    Raises:
        UnsupportedModel: naming the first layer that has no integer form, or several inputs or outputs.
    """
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        raise UnsupportedModel(f"{model.name} has no graph of layers (a subclassed model)", "build it from keras.Input")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UnsupportedModel(
            f"{model.name} has {len(model.inputs)} inputs and {len(model.outputs)} outputs", "give a student of one input and one output"
        )
    reader = Reader()
    shape = tuple(model.inputs[0].shape[1:])
    if None in shape:
        raise UnsupportedModel(f"the input has an open size: {[None, *shape]}", FIXED_SIZE)
    (output,) = reader.read(model, [reader.add("input", Source(), (), shape)])
    return Nodes(tuple(reader.nodes), reader.names, output)


Row = Callable[[Reader, Any, Sequence[int], tuple[int, ...]], int]
"""(reader, layer, inputs, shape of the result) -> the last node."""


def _activated(reader: Reader, layer: Any, node: int) -> int:
    """The layer's own activation behind `node`."""
    return _function(reader, layer.name, getattr(layer, "activation", None), node)


def _function(reader: Reader, name: str, function: Any, node: int) -> int:
    kind = type(function).__name__
    if function is not None and kind in LAYERS and hasattr(function, "call"):
        return LAYERS[kind](reader, function, [node], reader.shape(node))
    kind, shape = getattr(function, "__name__", "linear"), reader.shape(node)
    if kind == "linear":
        return node
    if kind in ("silu", "swish"):
        gate = reader.add(f"{name}/sigmoid", elementwise.sigmoid(), (node,), shape)
        return reader.add(name, elementwise.Pairwise("MUL"), (node, gate), shape)
    if kind == "hard_sigmoid":
        raised = reader.add(f"{name}/raised", _constants(1.0, 3.0), (node,), shape)
        clamped = reader.add(f"{name}/clamped", elementwise.Clamp(RELU6), (raised,), shape)
        return reader.add(name, _constants(1 / 6, 0.0), (clamped,), shape)
    if kind not in elementwise.FUNCTIONS:
        known = ", ".join([*elementwise.FUNCTIONS, "silu", "hard_sigmoid"])
        raise UnsupportedModel(f"layer '{name}' has the activation {kind}, which has no form in integers here", f"use one of {known}")
    return reader.add(name, elementwise.FUNCTIONS[kind](), (node,), shape)


def _constants(scale: Any, shift: Any) -> Constants:
    return Constants(np.asarray(scale, np.float32), np.asarray(shift, np.float32))


def _conv(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    (source,), padding = sources, layer.padding
    if padding == "causal":
        before = (layer.kernel_size[0] - 1) * layer.dilation_rate[0]
        length, channels = reader.shape(source)
        source = reader.add(f"{layer.name}/causal", windows.Pad(((0, 0), (before, 0), (0, 0))), (source,), (length + before, channels))
        padding = "valid"
    kind = weighted.Depthwise if type(layer).__name__.startswith("Depthwise") else weighted.Convolution
    operation = kind(layer.kernel, layer.bias, tuple(layer.strides), tuple(layer.dilation_rate), padding)
    return _activated(reader, layer, reader.add(f"{layer.name}/sums", operation, (source,), shape))


def _separable(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    strides, dilation = tuple(layer.strides), tuple(layer.dilation_rate)
    if layer.padding == "causal":
        raise UnsupportedModel(f"layer '{layer.name}' is separable and causal", "write it as a depthwise and a pointwise convolution")
    spread = weighted.Depthwise(layer.depthwise_kernel, None, strides, dilation, layer.padding)
    channels = prod(layer.depthwise_kernel.shape[-2:])
    node = reader.add(f"{layer.name}/depthwise", spread, sources, (*shape[:-1], channels))
    ones = (1,) * len(strides)
    mixed = weighted.Convolution(layer.pointwise_kernel, layer.bias, ones, ones, "valid")
    return _activated(reader, layer, reader.add(f"{layer.name}/sums", mixed, (node,), shape))


def _transposed(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    if any(size != 1 for size in layer.dilation_rate) or getattr(layer, "output_padding", None) is not None:
        raise UnsupportedModel(f"layer '{layer.name}' is transposed with dilation or output padding", "leave both out")
    operation = weighted.TransposedConvolution(layer.kernel, layer.bias, tuple(layer.strides), (1, 1), layer.padding)
    return _activated(reader, layer, reader.add(f"{layer.name}/sums", operation, sources, shape))


def _dense(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    return _activated(reader, layer, reader.add(f"{layer.name}/sums", weighted.Dense(layer.kernel, layer.bias), sources, shape))


def _batch_norm(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    if layer.axis not in (-1, len(shape)):
        raise UnsupportedModel(f"layer '{layer.name}' normalizes axis {layer.axis}, not the channels", "normalize the last axis")
    return reader.add(layer.name, BatchNorm(layer), sources, shape)


def _normalization(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    mean, deviation = np.asarray(layer.mean).reshape(-1), np.maximum(np.sqrt(np.asarray(layer.variance)).reshape(-1), 1e-7)
    if layer.invert or mean.size not in (1, shape[-1]):
        raise UnsupportedModel(f"layer '{layer.name}' normalizes other axes than the channels", "normalize the last axis, not inverted")
    return reader.add(layer.name, _constants(1 / deviation, -mean / deviation), sources, shape)


def _pairwise(kind: str) -> Row:
    def row(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
        if len(sources) < 2:
            raise UnsupportedModel(f"layer '{layer.name}' takes a constant", "fold the constant into a neighbouring layer")
        total, *others = sources
        for position, other in enumerate(others):
            small, large = sorted((reader.shape(total), reader.shape(other)), key=lambda one: (len(one), prod(one)))
            last = position == len(others) - 1
            operation: Operation = elementwise.Extremum(kind) if kind in ("MAXIMUM", "MINIMUM") else elementwise.Pairwise(kind)
            # Keras's merging layers broadcast a short shape from the left, its operators from the right: only equal ranks are both.
            if len(small) != len(large):
                raise UnsupportedModel(f"layer '{layer.name}' joins {len(small)} and {len(large)} axes", "Reshape one of them first")
            between = tuple(max(a, b) for a, b in zip(small, large))
            total = reader.add(layer.name if last else f"{layer.name}/{position}", operation, (total, other), shape if last else between)
        return total

    return row


def _concatenate(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    axis = layer.axis if layer.axis >= 0 else layer.axis + len(shape) + 1
    return reader.add(layer.name, elementwise.Concatenate(axis), sources, shape)


def _relu(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    slope, highest = float(layer.negative_slope), layer.max_value
    if float(layer.threshold) != 0.0 or (slope and highest is not None) or highest not in (None, 6.0):
        raise UnsupportedModel(
            f"layer '{layer.name}' is a rectifier with threshold {layer.threshold}, slope {slope} and maximum {highest}",
            "use ReLU(), ReLU(max_value=6) or LeakyReLU()",
        )
    if slope:
        return reader.add(layer.name, elementwise.leaky_relu(slope), sources, shape)
    return reader.add(layer.name, elementwise.Clamp(RELU if highest is None else RELU6), sources, shape)


def _softmax(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    if layer.axis not in (-1, len(shape)):
        raise UnsupportedModel(f"layer '{layer.name}' is a softmax over axis {layer.axis}", "the kernel takes the last axis: Permute first")
    return reader.add(layer.name, elementwise.softmax(), sources, shape)


def _pool(kind: type[windows.MaxPool]) -> Row:
    def row(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
        return reader.add(layer.name, kind(_sizes(layer.pool_size), _sizes(layer.strides), layer.padding), sources, shape)

    return row


def _global(kind: type[windows.GlobalPool]) -> Row:
    def row(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
        source = reader.shape(sources[0])
        pooled = reader.add(f"{layer.name}/pooled", kind(tuple(range(1, len(source)))), sources, source[-1:])
        return pooled if shape == source[-1:] else reader.add(layer.name, windows.Reshape(shape), (pooled,), shape)

    return row


def _pad(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    return reader.add(layer.name, windows.Pad(((0, 0), *_borders(layer.padding), (0, 0))), sources, shape)


def _crop(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    begin = (0, *(before for before, _ in _borders(layer.cropping)), 0)
    return reader.add(layer.name, windows.Crop(begin, tuple(b + size for b, size in zip(begin, (1, *shape)))), sources, shape)


def _reshape(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    return reader.add(layer.name, windows.Reshape(shape), sources, shape)


def _resize(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    height, width, _ = shape
    upsampling = type(layer).__name__ == "UpSampling2D"
    plain = upsampling or not any(getattr(layer, name, False) for name in ("crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"))
    if layer.interpolation not in ("nearest", "bilinear") or not plain:
        raise UnsupportedModel(f"layer '{layer.name}' resizes by {layer.interpolation}", "use plain nearest or bilinear")
    bilinear = layer.interpolation == "bilinear"
    operation = windows.ResizeBilinear((height, width)) if bilinear else windows.ResizeNearest((height, width), int(not upsampling))
    return reader.add(layer.name, operation, sources, shape)


def _training_only(reader: Reader, layer: Any, sources: Sequence[int], shape: tuple[int, ...]) -> int:
    return reader.add(layer.name, elementwise.TrainingOnly(layer), sources, shape)


def _sizes(sizes: Any) -> tuple[int, ...]:
    return (int(sizes),) if isinstance(sizes, int) else tuple(int(size) for size in sizes)


def _borders(sizes: Any) -> tuple[tuple[int, int], ...]:
    return (tuple(sizes),) if isinstance(sizes[0], int) else tuple((int(before), int(after)) for before, after in sizes)


LAYERS: Mapping[str, Row] = {
    "Conv1D": _conv,
    "Conv2D": _conv,
    "DepthwiseConv1D": _conv,
    "DepthwiseConv2D": _conv,
    "SeparableConv1D": _separable,
    "SeparableConv2D": _separable,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "Normalization": _normalization,
    "Rescaling": lambda reader, layer, s, shape: reader.add(layer.name, _constants(layer.scale, layer.offset), s, shape),
    "Add": _pairwise("ADD"),
    "Subtract": _pairwise("SUB"),
    "Multiply": _pairwise("MUL"),
    "Maximum": _pairwise("MAXIMUM"),
    "Minimum": _pairwise("MINIMUM"),
    "Concatenate": _concatenate,
    "ReLU": _relu,
    "LeakyReLU": lambda reader, layer, s, shape: reader.add(layer.name, elementwise.leaky_relu(float(layer.negative_slope)), s, shape),
    "Activation": lambda reader, layer, s, _: _activated(reader, layer, s[0]),
    "Softmax": _softmax,
    "MaxPooling1D": _pool(windows.MaxPool),
    "MaxPooling2D": _pool(windows.MaxPool),
    "AveragePooling1D": _pool(windows.AveragePool),
    "AveragePooling2D": _pool(windows.AveragePool),
    "GlobalAveragePooling1D": _global(windows.GlobalPool),
    "GlobalAveragePooling2D": _global(windows.GlobalPool),
    "GlobalMaxPooling1D": _global(windows.GlobalMaxPool),
    "GlobalMaxPooling2D": _global(windows.GlobalMaxPool),
    "ZeroPadding1D": _pad,
    "ZeroPadding2D": _pad,
    "Cropping1D": _crop,
    "Cropping2D": _crop,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "Permute": lambda reader, layer, s, shape: reader.add(layer.name, windows.Permute((0, *layer.dims)), s, shape),
    "UpSampling2D": _resize,
    "Resizing": _resize,
    "Dropout": _training_only,
    "SpatialDropout1D": _training_only,
    "SpatialDropout2D": _training_only,
    "GaussianNoise": _training_only,
    "GaussianDropout": _training_only,
    "Identity": lambda _, __, s, ___: s[0],
}
"""How layers become nodes, by type."""
