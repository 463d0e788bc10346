"""Layers as pruning leaves them: zero filters, filters that saturate a clamp, channels that nothing reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tinykd.compile.graph import Array, Quant
from tinykd.compile.ops import sampling, window
from tinykd.compile.ops.add import AddOptions
from tinykd.compile.ops.concatenation import ConcatenationOptions
from tinykd.compile.ops.conv_2d import Conv2DOptions
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2DOptions
from tinykd.compile.ops.fully_connected import FullyConnectedOptions
from tinykd.compile.ops.mul import MulOptions
from tinykd.compile.ops.pooling import Pool2DOptions
from tinykd.compile.ops.reduction import ReducerOptions
from tinykd.compile.ops.reshape import ReshapeOptions

if TYPE_CHECKING:
    from tests.fuzz.chains import Wiring

SATURATED = {"int8": 1 << 17, "uint8": 1 << 17, "int16": 1 << 25}
"""A bias that no sum of these small filters outweighs, by the dtype of activations."""

BIASES = {"int8": ("int32", 3000), "uint8": ("int32", 3000), "int16": ("int64", 800_000)}
"""Dtype and magnitude of ordinary biases."""


_WEIGHTS = {
    "int8": (("int8", 127), ("int8", 127), ("int8", 127), ("int4", 7)),
    "uint8": (("uint8", 190),),
    "int16": (("int8", 127),),
}
"""Dtypes of weights, and how far from the zero point they lie, by the dtype of activations."""


def image_quant(w: Wiring, dtype: str) -> Quant:
    """Half on the zero point of a RELU, where a dead channel holds what padding stands for."""
    drawn, rectified = sampling.quant(w.rng), w.rng.random() < 0.5
    zero_points = {"int8": -128 if rectified else drawn.zero_point, "uint8": 0 if rectified else drawn.zero_point + 128, "int16": 0}
    return Quant(drawn.scales, (zero_points[dtype],))


def _filters(w: Wiring, source: int, shape: tuple[int, ...], axis: int, quant: Quant, unread: Array) -> tuple[int, int]:
    """Weights and bias: of the filters some are zero, some saturate; the input channels `unread` have zero weights."""
    dtype, incoming, channels = w.tensors[source].dtype, w.tensors[source].quant, shape[axis]
    assert incoming is not None
    weights, largest = _WEIGHTS[dtype][int(w.rng.integers(0, len(_WEIGHTS[dtype])))]
    zero_point = int(w.rng.integers(80, 180)) if weights == "uint8" else 0
    values = np.moveaxis(w.rng.integers(-largest, largest + 1, shape), axis, 0)
    fate = w.rng.choice(["plain", "zero", "saturated"], channels, p=[0.4, 0.3, 0.3])
    values[fate == "zero"] = 0
    values = np.moveaxis(values, 0, axis)
    values[..., unread] = 0
    sums, ordinary = BIASES[dtype]
    saturated = w.rng.choice([-SATURATED[dtype], SATURATED[dtype]], channels)
    bias = np.where(fate == "saturated", saturated, w.rng.integers(-ordinary, ordinary, channels))
    spread = 80 * largest / 2 * float(np.sqrt(values.size / channels))  # so that sums fill the output's range
    scale = quant.scale * 80 / incoming.scale / spread
    data = np.clip(values + zero_point, 0, 255).astype("uint8") if weights == "uint8" else values.astype("int8")
    filters = w.tensor(shape, weights, Quant((scale,), (zero_point,)), data)
    return filters, w.constant(bias.astype(sums), Quant((incoming.scale * scale,), (0,)))


def _window(w: Wiring, source: int) -> tuple[int, list[int], list[int], list[int], list[int]]:
    """Padding, kernel, stride, dilation and output size over height and width."""
    sizes, padding = list(w.tensors[source].shape[1:3]), int(w.rng.integers(0, 2))
    kernel, stride, dilation = (w.rng.integers(1, top, 2).tolist() for top in (4, 3, 3))
    for axis in range(2):
        if padding == window.VALID and (kernel[axis] - 1) * dilation[axis] >= sizes[axis]:
            kernel[axis] = 1
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    output = [-(-n // s) if padding == window.SAME else (n + s - r) // s for n, s, r in zip(sizes, stride, reach)]
    return padding, kernel, stride, dilation, output


def convolution(w: Wiring, source: int) -> int:
    batch, _, _, depth = w.tensors[source].shape
    padding, kernel, stride, dilation, output = _window(w, source)
    filters, quant, fused = int(w.rng.choice([1, 3, 5, 6, 8, 12])), image_quant(w, w.tensors[source].dtype), int(w.rng.choice([0, 0, 1, 3]))
    constants = _filters(w, source, (filters, *kernel, depth), 0, quant, w.rng.random(depth) < 0.2)
    options = Conv2DOptions(padding, stride[1], stride[0], fused, dilation[1], dilation[0])
    return w.apply("CONV_2D", options, (source, *constants), (batch, *output, filters), quant)


def depthwise(w: Wiring, source: int) -> int:
    batch, _, _, depth = w.tensors[source].shape
    padding, kernel, stride, dilation, output = _window(w, source)
    multiplier, quant, fused = int(w.rng.choice([1, 1, 2])), image_quant(w, w.tensors[source].dtype), int(w.rng.choice([0, 0, 1, 3]))
    filters = depth * multiplier
    constants = _filters(w, source, (1, *kernel, filters), 3, quant, np.zeros(filters, np.bool_))
    options = DepthwiseConv2DOptions(padding, stride[1], stride[0], multiplier, fused, dilation[1], dilation[0])
    return w.apply("DEPTHWISE_CONV_2D", options, (source, *constants), (batch, *output, filters), quant)


def pool(w: Wiring, source: int) -> int:
    batch, height, width, channels = w.tensors[source].shape
    kind = str(w.rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    options = Pool2DOptions(window.SAME, 1, 2, 2, 2)
    return w.apply(kind, options, (source,), (batch, -(-height // 2), width, channels))


def activation(w: Wiring, source: int) -> int:
    kind = str(w.rng.choice(["RELU", "RELU6", "QUANTIZE"]))
    return w.apply(
        kind, None, (source,), w.tensors[source].shape, None if w.rng.random() < 0.5 else image_quant(w, w.tensors[source].dtype)
    )


def pad(w: Wiring, source: int) -> int:
    batch, height, width, channels = w.tensors[source].shape
    borders = np.array([[0, 0], [1, 0], [0, 2], [0, 0]], np.int32)
    return w.apply("PAD", None, (source, w.constant(borders)), (batch, height + 1, width + 2, channels))


def _twin(w: Wiring, source: int, quant: Quant | None) -> int:
    """A pointwise convolution of as many channels as its input."""
    batch, height, width, depth = w.tensors[source].shape
    outgoing = image_quant(w, w.tensors[source].dtype) if quant is None else quant
    constants = _filters(w, source, (depth, 1, 1, depth), 0, outgoing, np.zeros(depth, np.bool_))
    return w.apply("CONV_2D", Conv2DOptions(window.VALID, 1, 1), (source, *constants), (batch, height, width, depth), outgoing)


_PAIRS = {"ADD": AddOptions(), "MUL": MulOptions(), "MAXIMUM": None}
"""Operators of two tensors, and their options."""


def residual(w: Wiring, source: int) -> int:
    """Two branches, added, multiplied or compared: a channel goes only from all of them."""
    kind = str(w.rng.choice(list(_PAIRS)))
    other, dtype = source if w.rng.random() < 0.3 else _twin(w, source, None), w.tensors[source].dtype
    shared = w.tensors[other].quant
    assert shared is not None
    product = Quant((shared.scale**2 * np.iinfo(dtype).max,), shared.zero_points)
    results = {"ADD": image_quant(w, dtype), "MUL": product, "MAXIMUM": shared}
    return w.apply(kind, _PAIRS[kind], (_twin(w, source, shared), other), w.tensors[source].shape, results[kind])


def beside(w: Wiring, source: int) -> int:
    """Two branches side by side."""
    batch, height, width, depth = w.tensors[source].shape
    twin = _twin(w, source, w.tensors[source].quant)
    axis = int(w.rng.integers(1, 4))
    shape = [batch, height, width, depth]
    shape[axis] *= 2
    return w.apply("CONCATENATION", ConcatenationOptions(axis), (source, twin), tuple(shape))


STEPS: tuple[Callable[[Wiring, int], int], ...] = (
    convolution, convolution, depthwise, depthwise, pool, activation, pad, residual, beside,
)  # fmt: skip
"""Each reads one int8 image [batch, height, width, channels]."""


def dense(w: Wiring, source: int) -> int:
    """Flattened or averaged, then a matrix product; or nothing."""
    batch, height, width, depth = w.tensors[source].shape
    ending = int(w.rng.integers(0, 4))
    if ending == 0:
        return source
    if ending == 1:
        axes = w.constant(np.array([1, 2], np.int32))
        source, features = (
            w.apply("MEAN", ReducerOptions(False), (source, axes), (batch, depth), image_quant(w, w.tensors[source].dtype)),
            depth,
        )
    else:
        features = height * width * depth
        if ending == 2:
            shape = w.constant(np.array([batch, features], np.int32))
            source = w.apply("RESHAPE", ReshapeOptions(), (source, shape), (batch, features))
    quant = image_quant(w, w.tensors[source].dtype)
    constants = _filters(w, source, (5, features), 0, quant, w.rng.random(features) < 0.1)
    return w.apply("FULLY_CONNECTED", FullyConnectedOptions(), (source, *constants), (batch, 5), quant)
