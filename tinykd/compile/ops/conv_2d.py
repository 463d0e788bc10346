"""CONV_2D: two-dimensional convolution, grouped and dilated, weights per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import access, requirements, sampling, weighted, window
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class Conv2DOptions:
    padding: int = slot(0, "int8", 0)
    stride_w: int = slot(1, "int32", 0)
    stride_h: int = slot(2, "int32", 0)
    fused_activation: int = slot(3, "int8", 0)
    dilation_w: int = slot(4, "int32", 1)
    dilation_h: int = slot(5, "int32", 1)
    quantized_bias_type: int = slot(6, "int8", 0)


@dataclass(frozen=True, eq=False)
class Conv2D(Weighted):
    """Integers of a convolution. Input [batch, height, width, channels], weights [out, kernel_h, kernel_w, in/groups]."""

    batch: int
    rows: window.Axis
    columns: window.Axis
    in_channels: int
    out_channels: int

    @property
    def groups(self) -> int:
        return self.in_channels // int(self.weights.shape[3])


def lower(graph: Graph, op: Op, _: Rounding) -> Conv2D:
    requirements.counts(graph, op, (2, 3))
    source, filters = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (source, filters, result):
        requirements.rank(graph, op, tensor, 4)
    out_channels, kernel_h, kernel_w, depth = filters.shape
    batch, height, width, in_channels = source.shape
    if in_channels % depth or out_channels % (in_channels // depth):
        raise UnsupportedModel(f"{graph.label(op)}: {in_channels} channels do not divide into filters of depth {depth}")
    requirements.shaped(graph, op, result, (batch, result.shape[1], result.shape[2], out_channels))
    o: Conv2DOptions = op.options
    integers = weighted.weighted(
        graph,
        op,
        source=source,
        filters=filters,
        bias=requirements.optional(graph, op, 2),
        result=result,
        axis=0,
        fused_activation=o.fused_activation,
        bias_type=o.quantized_bias_type,
    )
    return Conv2D(
        **vars(integers),
        batch=batch,
        rows=window.axis(graph, op, o.padding, height, result.shape[1], kernel_h, o.stride_h, o.dilation_h),
        columns=window.axis(graph, op, o.padding, width, result.shape[2], kernel_w, o.stride_w, o.dilation_w),
        in_channels=in_channels,
        out_channels=out_channels,
    )


def patches(x: Array, rows: window.Axis, columns: window.Axis) -> Array:
    """Windows of `x` [batch, height, width, channels], zero outside: [batch, out_h, out_w, kernel_h, kernel_w, channels]."""
    batch, _, _, channels = x.shape
    reach_h = (rows.output - 1) * rows.stride + (rows.kernel - 1) * rows.dilation + 1
    reach_w = (columns.output - 1) * columns.stride + (columns.kernel - 1) * columns.dilation + 1
    padded = np.zeros((batch, max(reach_h, rows.pad + rows.input), max(reach_w, columns.pad + columns.input), channels), x.dtype)
    padded[:, rows.pad : rows.pad + rows.input, columns.pad : columns.pad + columns.input] = x
    y = np.arange(rows.output)[:, None] * rows.stride + np.arange(rows.kernel) * rows.dilation
    z = np.arange(columns.output)[:, None] * columns.stride + np.arange(columns.kernel) * columns.dilation
    return padded[:, y[:, None, :, None], z[None, :, None, :]]


def sums_of(p: Conv2D, source: Array) -> Int64:
    """Sums of products [batch, out_h, out_w, out_channels] of an input, the bias not yet added."""
    # float64 products and sums of these integers stay below 2**53, so they are exact and use the fast matrix product
    x = source.astype(np.float64) - p.input_zero_point
    per_group = p.out_channels // p.groups
    sums = []
    for group, part in enumerate(np.split(x, p.groups, axis=3)):
        columns = patches(part, p.rows, p.columns).reshape(p.batch * p.rows.output * p.columns.output, -1)
        filters = p.centred()[group * per_group : (group + 1) * per_group].reshape(per_group, -1)
        sums.append(columns @ filters.T)
    shape = (p.batch, p.rows.output, p.columns.output, p.out_channels)
    return np.concatenate(sums, axis=1).astype(np.int64).reshape(shape)


def reference(p: Conv2D, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (p.outputs(sums_of(p, inputs[0])),)


_STRUCTS = {
    "s8": "tinykd_conv_2d",
    "s4": "tinykd_conv_2d_s4",
    "u8": "tinykd_conv_2d_u8",
    "s16": "tinykd_conv_2d_s16",
    "s16_narrow": "tinykd_conv_2d",
}
"""By the scheme's suffix."""

_SOURCES = {"s8": "conv_2d.c", "s4": "conv_2d_s4.c", "u8": "conv_2d_u8.c", "s16": "conv_2d_s16.c", "s16_narrow": "conv_2d_s16_narrow.c"}


def call(p: Conv2D) -> Call:
    return Call(
        function=f"tinykd_conv_2d_{p.scheme.suffix}",
        struct=_STRUCTS[p.scheme.suffix],
        fields={
            "batch": p.batch,
            "in_height": p.rows.input,
            "in_width": p.columns.input,
            "in_channels": p.in_channels,
            "out_height": p.rows.output,
            "out_width": p.columns.output,
            "out_channels": p.out_channels,
            "kernel_height": p.rows.kernel,
            "kernel_width": p.columns.kernel,
            "groups": p.groups,
            "stride_height": p.rows.stride,
            "stride_width": p.columns.stride,
            "dilation_height": p.rows.dilation,
            "dilation_width": p.columns.dilation,
            "pad_top": p.rows.pad,
            "pad_left": p.columns.pad,
            **p.fields(),
        },
        source=_SOURCES[p.scheme.suffix],
    )


def macs(p: Conv2D) -> int:
    return p.batch * p.rows.output * p.columns.output * int(p.weights.size)


def distances(p: Conv2D) -> tuple[int | None, ...]:
    """The window slides over the input, which the output may follow."""
    item = ITEM_BYTES[p.scheme.dtype]
    out_bytes = item * p.out_channels
    return (access.window(p.batch, p.rows, p.columns, item * p.in_channels, out_bytes, access.every_channel(out_bytes, item)),)


def cases(rng: np.random.Generator) -> Case:
    groups = int(rng.choice([1, 1, 1, 2, 3]))
    depth, per_group = (int(v) for v in rng.integers(1, 9, 2))
    kernel = rng.integers(1, 5, 2)
    stride, dilation = rng.integers(1, 4, 2), rng.choice([1, 1, 2, 3], 2)
    padding = int(rng.integers(0, 2))
    reach = (kernel - 1) * dilation + 1
    size = reach + rng.integers(0, 8, 2) if padding == window.VALID else rng.integers(1, 12, 2)
    output = -(-size // stride) if padding == window.SAME else (size + stride - reach) // stride
    batch, channels, filters = int(rng.choice([1, 1, 2])), groups * depth, groups * per_group
    drawn = sampling.weighted(rng, (filters, int(kernel[0]), int(kernel[1]), depth), 0)
    options = Conv2DOptions(
        padding,
        int(stride[1]),
        int(stride[0]),
        int(rng.choice([0, 0, 1, 3])),
        int(dilation[1]),
        int(dilation[0]),
        drawn.bias_type,
    )
    x = drawn.input(rng, (batch, int(size[0]), int(size[1]), channels))
    tensors = [
        Tensor("input", x.shape, x.dtype.name, drawn.incoming),
        drawn.weights,
        drawn.bias,
        Tensor("output", (batch, int(output[0]), int(output[1]), filters), x.dtype.name, drawn.outgoing),
    ]
    return sampling.single("CONV_2D", options, tensors, (0, 1, 2), (3,), (x,))


OPERATOR = Operator(
    kind="CONV_2D",
    code=3,
    options_code=1,
    options=Conv2DOptions,
    summary="2-D convolution of int8 or int16; groups, dilation, fused clamp, int8 or int4 weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
