"""What convolutions and FULLY_CONNECTED share: weights and biases by dtype, and how their sums become outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile import nibbles
from tinykd.compile.fixed_point import Int64, quantize_multiplier, requantize, requantize_wide
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import activation, requirements
from tinykd.compile.ops.operator import Table
from tinykd.errors import UnsupportedModel

BIAS_BY_DTYPE, INT32_BIAS = 0, 2
"""TensorType numbers of `quantized_bias_type`: sums of int16 inputs are 64 bits wide unless it says int32."""


@dataclass(frozen=True)
class Scheme:
    """How activations, weights and sums of some dtypes meet.

    Attributes:
        suffix: how the kernels' names end.
        dtype: of input and output.
        weights: dtype of the weights.
        bias: of the sums.
        requantize: sums to the output's scale.
    """

    suffix: str
    dtype: str
    weights: str
    bias: str
    requantize: Callable[[Int64, Array, Array], Int64]


SCHEMES: dict[tuple[str, str, str], Scheme] = {
    ("int8", "int8", "int32"): Scheme("s8", "int8", "int8", "int32", requantize),
    ("int8", "int4", "int32"): Scheme("s4", "int8", "int4", "int32", requantize),
    ("int8", "uint8", "int32"): Scheme("u8", "int8", "uint8", "int32", requantize),
    ("int16", "int8", "int64"): Scheme("s16", "int16", "int8", "int64", requantize_wide),
    ("int16", "int8", "int32"): Scheme("s16_narrow", "int16", "int8", "int32", requantize),
}
"""By dtypes of activations, weights and sums.

uint8 weights come from models whose activations were uint8 too. int4 weights under int16 activations are unpacked when
compiled.
"""


@dataclass(frozen=True, eq=False)
class Weighted:
    """Integers of a sum of products, requantized.

    Attributes:
        weights: unpacked.
        bias: [channels].
        multipliers, shifts: [channels].
    """

    scheme: Scheme
    weights: Array
    weights_zero_point: int
    bias: Array
    multipliers: Array
    shifts: Array
    input_zero_point: int
    output_zero_point: int
    clamp: tuple[int, int]

    def centred(self) -> Array:
        """Weights less their zero point, in float64."""
        return self.weights.astype(np.float64) - self.weights_zero_point

    def outputs(self, sums: Int64) -> Array:
        """Outputs for sums [..., channels], the bias not yet added."""
        scaled = self.scheme.requantize(sums + self.bias, self.multipliers, self.shifts) + self.output_zero_point
        return np.clip(scaled, *self.clamp).astype(self.scheme.dtype)

    def fields(self) -> dict[str, int | Table]:
        """The last members of the kernel's struct."""
        members: dict[str, int | Table] = {
            "input_zero_point": self.input_zero_point,
            "output_zero_point": self.output_zero_point,
            "clamp_low": self.clamp[0],
            "clamp_high": self.clamp[1],
        }
        if self.scheme.weights == "uint8":
            members["weights_zero_point"] = self.weights_zero_point
        stored = nibbles.pack(self.weights) if self.scheme.weights == "int4" else self.weights
        return {
            **members,
            "weights": Table(f"{stored.dtype}_t", stored),
            "bias": Table(f"{self.scheme.bias}_t", self.bias),
            "multipliers": Table("int32_t", self.multipliers),
            "shifts": Table("int8_t", self.shifts),
        }


def channel_multipliers(input_scale: float, scales: Sequence[float], output_scale: float) -> tuple[Array, Array]:
    """Q31 multipliers and shifts, one per output channel: input_scale * weight_scale / output_scale in float64."""
    pairs = [quantize_multiplier(input_scale * scale / output_scale) for scale in scales]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32)


def uint8_multipliers(input_scale: float, scales: Sequence[float], output_scale: float) -> tuple[Array, Array]:
    """The same as LiteRT's uint8 kernels have it: the product of the scales is a float32."""
    products = [float(np.float32(input_scale) * np.float32(scale)) for scale in scales]
    return channel_multipliers(1.0, products, output_scale)


_MULTIPLIERS = {"int8": channel_multipliers, "int4": channel_multipliers, "uint8": uint8_multipliers}
"""By the dtype of the weights."""

LARGEST_INPUT = {"int8": 255, "int16": 32768}
"""Magnitudes of an activation less its zero point."""


def weighted(
    graph: Graph,
    op: Op,
    *,
    source: Tensor,
    filters: Tensor,
    bias: Tensor | None,
    result: Tensor,
    axis: int,
    fused_activation: int,
    bias_type: int,
    weight_dtypes: Sequence[str] = ("int8", "int4", "uint8"),
    asymmetric: Sequence[str] = ("uint8",),
) -> Weighted:
    """Check the dtypes, quantization and sums of a convolution and compute its integers.

    Args:
        axis: the weights' axis of output channels.
        fused_activation: its ActivationFunctionType number.
        bias_type: the option `quantized_bias_type`, a TensorType number.
        weight_dtypes: that the operator's kernels take.
        asymmetric: those of them that may have a zero point.
    """
    dtypes = ("int8", "int16")
    incoming, outgoing = requirements.quantized(graph, op, source, dtypes), requirements.quantized(graph, op, result, dtypes)
    dtype = requirements.one_dtype(graph, op, (source, result))
    sums = "int64" if dtype == "int16" and bias_type != INT32_BIAS else "int32"
    data, quant = _constant_weights(graph, op, filters, axis, weight_dtypes, asymmetric)
    channels = filters.shape[axis]
    scales = quant.scales if quant.per_channel else quant.scales * channels
    multipliers, shifts = _MULTIPLIERS[filters.dtype](incoming.scale, scales, outgoing.scale)
    scheme, data, zero_point = _stored_as(graph, op, dtype, filters, data, quant.zero_point, sums)
    integers = Weighted(
        scheme=scheme,
        weights=data,
        weights_zero_point=zero_point,
        bias=requirements.bias(graph, op, bias, channels, sums),
        multipliers=multipliers,
        shifts=shifts,
        input_zero_point=incoming.zero_point,
        output_zero_point=outgoing.zero_point,
        clamp=activation.clamp(graph, op, fused_activation, outgoing, dtype),
    )
    sums_fit(graph, op, integers, axis)
    return integers


_FIT = {"int32": requirements.accumulators_fit, "int64": requirements.wide_accumulators_fit}


def magnitudes(p: Weighted, axis: int) -> Int64:
    """[channels] the sum of absolute weights less their zero point."""
    others = tuple(k for k in range(p.weights.ndim) if k != axis % p.weights.ndim)
    return np.asarray(np.abs(p.weights.astype(np.int64) - p.weights_zero_point).sum(axis=others), np.int64)


def sums_fit(graph: Graph, op: Op, p: Weighted, axis: int) -> None:
    """Prove that no input can overflow a sum; raises UnsupportedModel."""
    _FIT[p.scheme.bias](graph, op, magnitudes(p, axis), p.bias, p.shifts, LARGEST_INPUT[p.scheme.dtype])


def _constant_weights(
    graph: Graph, op: Op, tensor: Tensor, axis: int, dtypes: Sequence[str], asymmetric: Sequence[str]
) -> tuple[Array, Quant]:
    """`tensor` is constant with one of `dtypes`, and symmetric or per tensor."""
    data = requirements.constant(graph, op, tensor, dtypes)
    quant = tensor.quant
    if quant is None or (any(quant.zero_points) and (tensor.dtype not in asymmetric or quant.per_channel)):
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are not symmetrically quantized", requirements.QUANTIZE_HINT)
    if tensor.dtype == "uint8" and quant.per_channel:
        raise UnsupportedModel(f"{graph.label(op)}: uint8 weights '{tensor.name}' have a scale for each channel, which LiteRT refuses")
    if any(quant.zero_points):
        requirements.quantized(graph, op, tensor, (tensor.dtype,))
    if quant.per_channel and quant.axis != axis % len(tensor.shape):
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are quantized along axis {quant.axis}, not {axis}")
    return data, quant


def _stored_as(graph: Graph, op: Op, dtype: str, filters: Tensor, data: Array, zero_point: int, sums: str) -> tuple[Scheme, Array, int]:
    """The scheme for activations of `dtype`, and weights and zero point as it stores them.

    Weights that all lie within a signed byte of their zero point become symmetric int8, others uint8.
    """
    kind = "int8" if filters.dtype == "int4" and dtype == "int16" else filters.dtype
    if kind == "uint8" or zero_point:
        centred = data.astype(np.int64) - zero_point
        if centred.min(initial=0) >= -128 and centred.max(initial=0) <= 127:
            kind, data, zero_point = "int8", centred.astype(np.int8), 0
        else:
            lowest = int(np.iinfo(data.dtype).min)
            kind, data, zero_point = "uint8", (data.astype(np.int64) - lowest).astype(np.uint8), zero_point - lowest
    scheme = SCHEMES.get((dtype, kind, sums))
    if scheme is None:
        raise UnsupportedModel(f"{graph.label(op)}: no kernel for {dtype} activations with {filters.dtype} weights '{filters.name}'")
    return scheme, data, zero_point
