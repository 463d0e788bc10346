"""Checks that operators share: what a tensor must be before a kernel may touch it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.errors import UnsupportedModel

QUANTIZE_HINT = "convert with full-integer quantization (int8 inputs and outputs, a representative data set)"

SCALES = 2.0**-60, 2.0**60
"""Scales between which products and quotients of two stay finite in float32, where LiteRT computes some of them."""


def counts(graph: Graph, op: Op, inputs: Sequence[int], outputs: int = 1) -> None:
    """The operator has one of the allowed numbers of inputs and exactly `outputs` outputs."""
    if len(op.inputs) not in inputs or len(op.outputs) != outputs:
        allowed = " or ".join(map(str, inputs))
        raise UnsupportedModel(f"{graph.label(op)} has {len(op.inputs)} inputs and {len(op.outputs)} outputs, not {allowed} and {outputs}")


def present(graph: Graph, op: Op, position: int) -> Tensor:
    """The tensor of a required input."""
    index = op.inputs[position] if position < len(op.inputs) else -1
    if index < 0:
        raise UnsupportedModel(f"{graph.label(op)} lacks its input {position}")
    return graph.tensors[index]


def optional(graph: Graph, op: Op, position: int) -> Tensor | None:
    """The tensor of an optional input, or None."""
    index = op.inputs[position] if position < len(op.inputs) else -1
    return None if index < 0 else graph.tensors[index]


def quantized(graph: Graph, op: Op, tensor: Tensor, dtypes: Sequence[str] = ("int8",)) -> Quant:
    """`tensor` is quantized per tensor with one of `dtypes`; returns its quantization."""
    if tensor.dtype not in dtypes:
        raise UnsupportedModel(
            f"{graph.label(op)}: tensor '{tensor.name}' is {tensor.dtype}, the kernel takes {' or '.join(dtypes)}", QUANTIZE_HINT
        )
    if tensor.quant is None:
        raise UnsupportedModel(f"{graph.label(op)}: tensor '{tensor.name}' has no quantization", QUANTIZE_HINT)
    if tensor.quant.per_channel:
        raise UnsupportedModel(f"{graph.label(op)}: activation '{tensor.name}' is quantized per channel", QUANTIZE_HINT)
    if not SCALES[0] <= tensor.quant.scale <= SCALES[1]:
        raise UnsupportedModel(f"{graph.label(op)}: tensor '{tensor.name}' has the scale {tensor.quant.scale}", QUANTIZE_HINT)
    if tensor.dtype in ("int16", "int32") and tensor.quant.zero_point:
        raise UnsupportedModel(f"{graph.label(op)}: {tensor.dtype} tensor '{tensor.name}' has zero point {tensor.quant.zero_point}, not 0")
    # converters leave float32 on an LSTM's intermediate that stands for an int8 tensor
    limits = np.iinfo("int8" if tensor.dtype == "float32" else tensor.dtype)
    if not limits.min <= tensor.quant.zero_point <= limits.max:
        raise UnsupportedModel(f"{graph.label(op)}: tensor '{tensor.name}' has zero point {tensor.quant.zero_point} outside {tensor.dtype}")
    return tensor.quant


def constant(graph: Graph, op: Op, tensor: Tensor, dtypes: Sequence[str]) -> Array:
    """`tensor` is a constant with one of `dtypes`; returns its data."""
    if tensor.data is None:
        raise UnsupportedModel(
            f"{graph.label(op)}: '{tensor.name}' is computed while running; the kernel needs a constant",
            "weights and shapes must be constants of the model",
        )
    if tensor.dtype not in dtypes:
        raise UnsupportedModel(
            f"{graph.label(op)}: constant '{tensor.name}' is {tensor.dtype}, the kernel takes {' or '.join(dtypes)}", QUANTIZE_HINT
        )
    return tensor.data


def weights(graph: Graph, op: Op, tensor: Tensor, axis: int) -> tuple[Array, tuple[float, ...]]:
    """`tensor` is constant symmetric int8; returns its data and one scale per channel along `axis`."""
    data = constant(graph, op, tensor, ("int8",))
    quant = tensor.quant
    if quant is None or any(quant.zero_points):
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are not symmetrically quantized", QUANTIZE_HINT)
    channels = tensor.shape[axis]
    if quant.per_channel and quant.axis != axis % len(tensor.shape):
        raise UnsupportedModel(f"{graph.label(op)}: weights '{tensor.name}' are quantized along axis {quant.axis}, not {axis}")
    return data, quant.scales if quant.per_channel else quant.scales * channels


def bias(graph: Graph, op: Op, tensor: Tensor | None, channels: int, dtype: str = "int32") -> Array:
    """The bias of `channels` elements, zeros where the operator has none."""
    if tensor is None:
        return np.zeros(channels, dtype)
    data = constant(graph, op, tensor, (dtype,))
    if data.size != channels:
        raise UnsupportedModel(f"{graph.label(op)}: bias '{tensor.name}' has {data.size} elements for {channels} channels")
    return data.reshape(channels)


def shaped(graph: Graph, op: Op, tensor: Tensor, shape: Sequence[int]) -> None:
    """`tensor` has exactly `shape`."""
    if tensor.shape != tuple(shape):
        raise UnsupportedModel(f"{graph.label(op)}: '{tensor.name}' has shape {list(tensor.shape)}, expected {list(shape)}")


def rank(graph: Graph, op: Op, tensor: Tensor, size: int) -> None:
    """`tensor` has `size` axes, none of them empty."""
    if len(tensor.shape) != size or 0 in tensor.shape:
        raise UnsupportedModel(f"{graph.label(op)}: '{tensor.name}' has shape {list(tensor.shape)}, expected {size} axes, none empty")


def accumulators_fit(graph: Graph, op: Op, magnitudes: Array, biases: Array, shifts: Array, largest: int = 255) -> None:
    """Prove that no input can overflow an int32 accumulator, its left shift, or its sum with a zero point.

    Args:
        magnitudes: [channels] sum of absolute weights less their zero point.
        biases: [channels].
        shifts: [channels] exponents of the output multipliers, positive left. Significands are below 1, so a shifted
            accumulator that fits stays in range when it is multiplied.
        largest: magnitude of an input less its zero point.
    """
    bounds = magnitudes.astype(np.int64) * largest + np.abs(biases.astype(np.int64))
    shifted = bounds * np.exp2(np.maximum(shifts.astype(np.float64), 0))
    if float(shifted.max(initial=0)) > INT32_MAX - (1 << 16):
        channel = int(shifted.argmax())
        raise UnsupportedModel(
            f"{graph.label(op)}: channel {channel} can reach an accumulator of {bounds[channel]}, "
            f"{shifted[channel]:.3g} after its left shift, beyond 32 bits",
            "split the layer or quantize its bias within the accumulator's range",
        )


def wide_accumulators_fit(graph: Graph, op: Op, magnitudes: Array, biases: Array, shifts: Array, largest: int) -> None:
    """Prove that no input leaves the range that `requantize_wide` is defined for, or its result 32 bits.

    Args: as `accumulators_fit`.
    """
    bounds = [int(magnitude) * largest + abs(int(bias)) for magnitude, bias in zip(magnitudes, biases)]
    for channel, (bound, shift) in enumerate(zip(bounds, shifts.tolist())):
        if bound >= 1 << 47 or shift > 7 or bound * 2.0**shift > INT32_MAX - (1 << 16):
            raise UnsupportedModel(
                f"{graph.label(op)}: channel {channel} can reach an accumulator of {bound}, scaled by up to 2^{shift}: beyond 32 bits",
                "quantize the bias within the accumulator's range, the output on a coarser scale",
            )


def axes(graph: Graph, op: Op, tensor: Tensor, rank: int) -> tuple[int, ...]:
    """The distinct axes that a constant tensor lists, counted from the front, in ascending order."""
    listed = constant(graph, op, tensor, ("int32",)).ravel().tolist()
    return tuple(sorted({axis_of(graph, op, axis, rank) for axis in listed}))


def axis_of(graph: Graph, op: Op, axis: int, rank: int) -> int:
    """`axis` counted from the front; negative ones count from behind."""
    if not -rank <= axis < rank:
        raise UnsupportedModel(f"{graph.label(op)} names axis {axis} of {rank}")
    return axis % rank


def one_dtype(graph: Graph, op: Op, tensors: Sequence[Tensor]) -> str:
    """All `tensors` have one dtype; returns it."""
    for tensor in tensors:
        if tensor.dtype != tensors[0].dtype:
            raise UnsupportedModel(f"{graph.label(op)}: '{tensor.name}' is {tensor.dtype} and '{tensors[0].name}' {tensors[0].dtype}")
    return tensors[0].dtype
