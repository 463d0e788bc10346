"""What AVERAGE_POOL_2D and MAX_POOL_2D share: geometry, checks, fields and cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import access, activation, requirements, sampling, window
from tinykd.compile.ops.operator import Case
from tinykd.compile.schema import slot


@dataclass(frozen=True)
class Pool2DOptions:
    padding: int = slot(0, "int8", 0)
    stride_w: int = slot(1, "int32", 0)
    stride_h: int = slot(2, "int32", 0)
    filter_width: int = slot(3, "int32", 0)
    filter_height: int = slot(4, "int32", 0)
    fused_activation: int = slot(5, "int8", 0)
    ties: str = "away"
    """Where AVERAGE_POOL_2D rounds them: away from zero, or `up` on integers that were uint8 (not in the file)."""


@dataclass(frozen=True)
class Pool:
    """A pool over windows of [batch, height, width, channels]; padding takes no part."""

    batch: int
    rows: window.Axis
    columns: window.Axis
    channels: int
    clamp: tuple[int, int]
    dtype: str = "int8"
    ties: str = "away"

    def fields(self) -> dict[str, int]:
        """Members of the kernel's struct."""
        return {
            "batch": self.batch,
            "in_height": self.rows.input,
            "in_width": self.columns.input,
            "channels": self.channels,
            "out_height": self.rows.output,
            "out_width": self.columns.output,
            "window_height": self.rows.kernel,
            "window_width": self.columns.kernel,
            "stride_height": self.rows.stride,
            "stride_width": self.columns.stride,
            "pad_top": self.rows.pad,
            "pad_left": self.columns.pad,
            "clamp_low": self.clamp[0],
            "clamp_high": self.clamp[1],
        }


DTYPES = ("int8", "int16")


def pool(graph: Graph, op: Op) -> Pool:
    """Check a pooling operator and compute its geometry.

    LiteRT reads one quantization, the output's, for the clamp: it does not rescale where input and output differ.
    """
    requirements.counts(graph, op, (1,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    for tensor in (source, result):
        requirements.rank(graph, op, tensor, 4)
    requirements.quantized(graph, op, source, DTYPES)
    outgoing = requirements.quantized(graph, op, result, DTYPES)
    dtype = requirements.one_dtype(graph, op, (source, result))
    batch, height, width, channels = source.shape
    requirements.shaped(graph, op, result, (batch, result.shape[1], result.shape[2], channels))
    o: Pool2DOptions = op.options
    return Pool(
        batch=batch,
        rows=window.axis(graph, op, o.padding, height, result.shape[1], o.filter_height, o.stride_h),
        columns=window.axis(graph, op, o.padding, width, result.shape[2], o.filter_width, o.stride_w),
        channels=channels,
        clamp=activation.clamp(graph, op, o.fused_activation, outgoing, dtype),
        dtype=dtype,
        ties=o.ties,
    )


def distances(p: Pool) -> tuple[int | None, ...]:
    """The window slides over the input, which the output may follow."""
    item = ITEM_BYTES[p.dtype]
    pixel = item * p.channels
    return (access.window(p.batch, p.rows, p.columns, pixel, pixel, access.own_channel(p.channels, 1, item)),)


def windows(p: Pool, x: Array, outside: int) -> Array:
    """Windows of `x` [batch, height, width, channels] with `outside` beyond its edges: [batch, out_h, out_w, taps, channels]."""
    behind = [max((a.output - 1) * a.stride + a.kernel - a.pad - a.input, 0) for a in (p.rows, p.columns)]
    padded = np.pad(x, ((0, 0), (p.rows.pad, behind[0]), (p.columns.pad, behind[1]), (0, 0)), constant_values=outside)
    y = np.arange(p.rows.output)[:, None] * p.rows.stride + np.arange(p.rows.kernel)
    z = np.arange(p.columns.output)[:, None] * p.columns.stride + np.arange(p.columns.kernel)
    taken = padded[:, y[:, None, :, None], z[None, :, None, :]]
    return taken.reshape(p.batch, p.rows.output, p.columns.output, -1, p.channels)


def cases(rng: np.random.Generator, kind: str) -> Case:
    """A test case; one in four is a global pool, one in four has a window that is a power of two, which makes ties."""
    batch, channels = int(rng.choice([1, 1, 2])), int(rng.integers(1, 9))
    kernel, stride = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    if rng.random() < 0.25:
        kernel = rng.choice([1, 2, 4], 2)
    padding = int(rng.integers(0, 2))
    size = kernel + rng.integers(0, 8, 2) if padding == window.VALID else rng.integers(1, 12, 2)
    if rng.random() < 0.25:
        kernel = size
    output = -(-size // stride) if padding == window.SAME else (size + stride - kernel) // stride
    code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    options = Pool2DOptions(padding, int(stride[1]), int(stride[0]), int(kernel[1]), int(kernel[0]), code)
    dtype = str(rng.choice(["int8", "int8", "int8", "int16"]))
    quant = sampling.quant_for(sampling.quant(rng), dtype)
    x = sampling.integers(rng, (batch, int(size[0]), int(size[1]), channels), dtype)
    tensors = [
        Tensor("input", x.shape, dtype, quant),
        Tensor("output", (batch, int(output[0]), int(output[1]), channels), dtype, quant),
    ]
    return sampling.single(kind, options, tensors, (0,), (1,), (x,))
