"""Random cases with a purpose: quantization at its extremes, values at their limits, ties planted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops.operator import Case


def quant(rng: np.random.Generator, *, low: float = 1e-3, high: float = 0.3) -> Quant:
    """Per-tensor int8 quantization; one zero point in three is at the edge of the range."""
    zero_point = int(rng.choice([-128, 127, 0])) if rng.random() < 1 / 3 else int(rng.integers(-128, 128))
    scale = float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))
    return Quant((scale,), (zero_point,))


def weight_quant(rng: np.random.Generator, channels: int, axis: int) -> Quant:
    """Symmetric weight quantization, per channel in two cases of three; scales over two decades."""
    count = channels if rng.random() < 2 / 3 else 1
    scales = np.exp(rng.uniform(np.log(1e-3), np.log(1e-1), count)).astype(np.float32)
    if rng.random() < 0.25:
        scales = np.exp2(np.round(np.log2(scales))).astype(np.float32)  # powers of two make exact ties
    return Quant(tuple(scales.astype(float).tolist()), (0,) * count, axis)


def int8(rng: np.random.Generator, shape: Sequence[int], low: int = -128, high: int = 127) -> Array:
    """Uniform values, an eighth of them replaced by the extremes."""
    values = rng.integers(low, high + 1, shape, dtype=np.int64)
    edges = rng.choice([low, high], shape)
    return np.where(rng.random(shape) < 1 / 8, edges, values).astype(np.int8)


def output_quant(rng: np.random.Generator, typical: float) -> Quant:
    """Output quantization for real values of about `typical`: fitting, saturating or coarse."""
    spread = float(rng.choice([0.3, 1.0, 1.0, 3.0, 20.0]))
    return replace(quant(rng), scales=(float(np.float32(max(typical, 1e-6) * spread / 128)),))


def with_scale(quant: Quant, scale: float) -> Quant:
    """`quant` with another scale, rounded to float32."""
    return replace(quant, scales=(float(np.float32(scale)),))


def integers(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> Array:
    """Uniform values of `dtype`, an eighth of them replaced by the extremes."""
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, int(limits.max) + 1, shape, dtype=np.int64)
    edges = rng.choice([limits.min, limits.max], shape)
    return np.where(rng.random(shape) < 1 / 8, edges, values).astype(dtype)


def quant_for(quant: Quant, dtype: str) -> Quant:
    """An int8 quantization moved to the range of `dtype`: int8, uint8, or int16 and int32 with zero point 0."""
    if dtype in ("int16", "int32"):
        finer = quant.scale / (1 << (np.iinfo(dtype).bits - 8))
        return replace(quant, scales=(float(np.float32(finer)),), zero_points=(0,))
    return quant if dtype == "int8" else replace(quant, zero_points=(quant.zero_point + 128,))


def single(
    kind: str, options: Any, tensors: Sequence[Tensor], inputs: Sequence[int], outputs: Sequence[int], values: Sequence[Array]
) -> Case:
    """A case of one operator; activations among `inputs` become the graph's inputs, fed with `values` in order."""
    listed = tuple(replace(tensor, source=k) for k, tensor in enumerate(tensors))
    fed = tuple(dict.fromkeys(i for i in inputs if i >= 0 and not listed[i].is_constant))
    graph = Graph(listed, (Op(kind, tuple(inputs), tuple(outputs), options),), fed, tuple(outputs), name=kind.lower())
    graph.check()
    return Case(graph, tuple(values))


def broadcast_shapes(rng: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of two operands: equal, one a scalar, one a vector of channels, or broadcast along any axes."""
    shape = tuple(int(size) for size in rng.integers(1, 6, int(rng.integers(1, 5))))
    pattern = int(rng.integers(0, 5))
    if pattern == 0:
        return shape, shape
    if pattern == 1:
        other: tuple[int, ...] = (1,) * int(rng.integers(0, len(shape) + 1))
    elif pattern == 2:
        other = shape[-1:]
    else:
        other = tuple(int(size * keep or 1) for size, keep in zip(shape, rng.integers(0, 2, len(shape))))
        if pattern == 4:  # both operands are repeated
            shape = tuple(int(size if rng.random() < 0.5 else 1) for size in shape)
    return (shape, other) if rng.random() < 0.5 else (other, shape)


def binary(
    rng: np.random.Generator,
    kind: str,
    options: Any,
    shapes: Sequence[tuple[int, ...]],
    quants: tuple[Quant, Quant, Quant],
    dtype: str = "int8",
) -> Case:
    """A case of two operands of a dtype, one in five with a constant operand."""
    a, b = (integers(rng, shape, dtype) for shape in shapes)
    tensors = [
        Tensor("a", a.shape, dtype, quant_for(quants[0], dtype)),
        Tensor("b", b.shape, dtype, quant_for(quants[1], dtype)),
        Tensor("output", np.broadcast_shapes(a.shape, b.shape), dtype, quant_for(quants[2], dtype)),
    ]
    if rng.random() < 0.2:
        if rng.random() < 0.5:
            return single(kind, options, [replace(tensors[0], data=a), *tensors[1:]], (0, 1), (2,), (b,))
        return single(kind, options, [tensors[0], replace(tensors[1], data=b), tensors[2]], (0, 1), (2,), (a,))
    return single(kind, options, tensors, (0, 1), (2,), (a, b))


@dataclass(frozen=True, eq=False)
class WeightedSample:
    """Weights, bias and quantization of a convolution or matrix product of some dtypes."""

    incoming: Quant
    outgoing: Quant
    weights: Tensor
    bias: Tensor
    bias_type: int

    def input(self, rng: np.random.Generator, shape: Sequence[int]) -> Array:
        """Values for the input tensor."""
        return integers(rng, shape, _ACTIVATIONS[self.bias.dtype, self.bias_type])


_ACTIVATIONS = {("int32", 0): "int8", ("int32", 2): "int16", ("int64", 0): "int16", ("int64", 4): "int16"}
"""The activations' dtype by the bias's and the option `quantized_bias_type`."""

Dtypes = tuple[str, str, str, int]
"""Dtypes of activations, weights and bias, and the option `quantized_bias_type`."""

_S8: Dtypes = ("int8", "int8", "int32", 0)
_S4: Dtypes = ("int8", "int4", "int32", 0)
_S16: Dtypes = ("int16", "int8", "int64", 0)
_S16_SAID: Dtypes = ("int16", "int8", "int64", 4)
_S16_NARROW: Dtypes = ("int16", "int8", "int32", 2)
CONVOLUTION = (_S8, _S8, _S8, _S8, _S4, _S4, _S16, _S16_SAID, _S16_NARROW)
DEPTHWISE = (_S8, _S8, _S8, _S4, _S16)
TRANSPOSED = (_S8, _S8, _S8, _S16, _S16_NARROW)
"""What operators with weights take, each as often as it is drawn."""

_WEIGHT_RANGES = {"int8": (-127, 127), "int4": (-8, 7)}
_BIAS_LIMITS = {"int8": 20_000, "int16": 1_000_000}


def weighted(rng: np.random.Generator, shape: Sequence[int], axis: int, dtypes: Sequence[Dtypes] = CONVOLUTION) -> WeightedSample:
    """Random weights of `shape` with channels along `axis`; outputs fit, saturate or are coarse, one in four with exact ties."""
    activations, kind, bias_dtype, bias_type = dtypes[int(rng.integers(0, len(dtypes)))]
    channels = shape[axis]
    incoming, scales = quant_for(quant(rng), activations), weight_quant(rng, channels, axis)
    values = int8(rng, shape, *_WEIGHT_RANGES[kind])
    if bias_type == 2:  # sums of 32 bits must not overflow
        values //= 8
    products = float(np.sqrt(values.size / channels)) * 100
    fitting = output_quant(rng, incoming.scale * scales.scale * products * float(np.iinfo(activations).max))
    outgoing = quant_for(fitting, activations)
    if rng.random() < 0.25:  # a real multiplier of 2**-k: every half is an exact tie
        power = 2.0 ** int(np.ceil(np.log2(max(outgoing.scale / (incoming.scale * scales.scale), 2.0))))
        outgoing = with_scale(outgoing, incoming.scale * scales.scale * power)
    limit = _BIAS_LIMITS[activations]
    bias = rng.integers(-limit, limit + 1, channels).astype(bias_dtype)
    bias_quant = Quant(tuple(incoming.scale * scale for scale in scales.scales), (0,) * len(scales.scales))
    return WeightedSample(
        incoming=incoming,
        outgoing=outgoing,
        weights=Tensor("weights", tuple(shape), kind, scales, values),
        bias=Tensor("bias", (channels,), bias_dtype, bias_quant, bias),
        bias_type=bias_type,
    )


def resized(rng: np.random.Generator, kind: str, options: Callable[[int, int], Any]) -> Case:
    """A case of another height and width, two in five of them doubled.

    Args:
        options: from align_corners and half_pixel_centers, never both set.
    """
    batch, height, width, channels = (int(size) for size in (*rng.integers(1, 3, 1), *rng.integers(1, 9, 3)))
    size = rng.integers(1, 18, 2).astype(np.int32)
    if rng.random() < 0.4:
        size = np.array([height * 2, width * 2], np.int32)
    corners = int(rng.integers(0, 2))
    x, per_tensor = int8(rng, (batch, height, width, channels)), quant(rng)
    tensors = [
        Tensor("input", x.shape, "int8", per_tensor),
        Tensor("size", (2,), "int32", None, size),
        Tensor("output", (batch, int(size[0]), int(size[1]), channels), "int8", per_tensor),
    ]
    return single(kind, options(corners, 0 if corners else int(rng.integers(0, 2))), tensors, (0, 1), (2,), (x,))
