"""DEPTHWISE_CONV_2D: every input channel has its own filters, `multiplier` of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Int64, Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op, Tensor
from tinykd.compile.ops import access, activation, requirements, sampling, weighted, window
from tinykd.compile.ops.conv_2d import patches
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class DepthwiseConv2DOptions:
    padding: int = slot(0, "int8", 0)
    stride_w: int = slot(1, "int32", 0)
    stride_h: int = slot(2, "int32", 0)
    depth_multiplier: int = slot(3, "int32", 0)
    fused_activation: int = slot(4, "int8", 0)
    dilation_w: int = slot(5, "int32", 1)
    dilation_h: int = slot(6, "int32", 1)


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(Weighted):
    """Integers of a depthwise convolution. Input [batch, height, width, channels], weights [1, kernel_h, kernel_w, channels * multiplier].

    Output channel c reads input channel c // multiplier.
    """

    batch: int
    rows: window.Axis
    columns: window.Axis
    in_channels: int
    multiplier: int


def lower(graph: Graph, op: Op, _: Rounding) -> DepthwiseConv2D:
    requirements.counts(graph, op, (2, 3))
    source, filters = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (source, filters, result):
        requirements.rank(graph, op, tensor, 4)
    one, kernel_h, kernel_w, out_channels = filters.shape
    batch, height, width, in_channels = source.shape
    if one != 1 or out_channels % in_channels:
        raise UnsupportedModel(f"{graph.label(op)}: weights {list(filters.shape)} do not fit {in_channels} input channels")
    requirements.shaped(graph, op, result, (batch, result.shape[1], result.shape[2], out_channels))
    o: DepthwiseConv2DOptions = op.options
    integers = weighted.weighted(
        graph,
        op,
        source=source,
        filters=filters,
        bias=requirements.optional(graph, op, 2),
        result=result,
        axis=3,
        fused_activation=o.fused_activation,
        bias_type=weighted.BIAS_BY_DTYPE,
        weight_dtypes=_WEIGHTS.get(source.dtype, ()),
    )
    return DepthwiseConv2D(
        **vars(integers),
        batch=batch,
        rows=window.axis(graph, op, o.padding, height, result.shape[1], kernel_h, o.stride_h, o.dilation_h),
        columns=window.axis(graph, op, o.padding, width, result.shape[2], kernel_w, o.stride_w, o.dilation_w),
        in_channels=in_channels,
        multiplier=out_channels // in_channels,
    )


_WEIGHTS = {"int8": ("int8", "int4", "uint8"), "int16": ("int8",)}
"""Dtypes of weights by the activations' dtype: LiteRT does not unpack int4 under int16."""


def sums_of(p: DepthwiseConv2D, source: Array) -> Int64:
    """Sums of products [batch, out_h, out_w, channels * multiplier] of an input, the bias not yet added."""
    # float64 products and sums of these integers stay below 2**53, so they are exact
    windows = patches(source.astype(np.float64) - p.input_zero_point, p.rows, p.columns)
    filters = p.centred().reshape(p.rows.kernel, p.columns.kernel, p.in_channels, p.multiplier)
    sums: Int64 = np.einsum("byxijc,ijcm->byxcm", windows, filters).astype(np.int64)
    return np.reshape(sums, (p.batch, p.rows.output, p.columns.output, p.in_channels * p.multiplier))


def reference(p: DepthwiseConv2D, inputs: Sequence[Array]) -> tuple[Array, ...]:
    return (p.outputs(sums_of(p, inputs[0])),)


_STRUCTS = {
    "s8": "tinykd_depthwise_conv_2d",
    "s4": "tinykd_depthwise_conv_2d_s4",
    "u8": "tinykd_depthwise_conv_2d_u8",
    "s16": "tinykd_depthwise_conv_2d_s16",
}
_SOURCES = {
    "s8": "depthwise_conv_2d.c",
    "s4": "depthwise_conv_2d_s4.c",
    "u8": "depthwise_conv_2d_u8.c",
    "s16": "depthwise_conv_2d_s16.c",
}
"""By the scheme's suffix."""


def call(p: DepthwiseConv2D) -> Call:
    return Call(
        function=f"tinykd_depthwise_conv_2d_{p.scheme.suffix}",
        struct=_STRUCTS[p.scheme.suffix],
        fields={
            "batch": p.batch,
            "in_height": p.rows.input,
            "in_width": p.columns.input,
            "in_channels": p.in_channels,
            "out_height": p.rows.output,
            "out_width": p.columns.output,
            "multiplier": p.multiplier,
            "kernel_height": p.rows.kernel,
            "kernel_width": p.columns.kernel,
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


def macs(p: DepthwiseConv2D) -> int:
    return p.batch * p.rows.output * p.columns.output * int(p.weights.size)


def distances(p: DepthwiseConv2D) -> tuple[int | None, ...]:
    """The window slides over the input, which the output may follow."""
    item, out_channels = ITEM_BYTES[p.scheme.dtype], p.in_channels * p.multiplier
    within = access.own_channel(out_channels, p.multiplier, item)
    return (access.window(p.batch, p.rows, p.columns, item * p.in_channels, item * out_channels, within),)


def cases(rng: np.random.Generator) -> Case:
    channels, multiplier = int(rng.integers(1, 9)), int(rng.choice([1, 1, 1, 2, 3, 8]))
    filters = channels * multiplier
    kernel = rng.integers(1, 5, 2)
    stride, dilation = rng.integers(1, 4, 2), rng.choice([1, 1, 2, 3], 2)
    padding = int(rng.integers(0, 2))
    reach = (kernel - 1) * dilation + 1
    size = reach + rng.integers(0, 8, 2) if padding == window.VALID else rng.integers(1, 12, 2)
    output = -(-size // stride) if padding == window.SAME else (size + stride - reach) // stride
    batch = int(rng.choice([1, 1, 2]))
    drawn = sampling.weighted(rng, (1, int(kernel[0]), int(kernel[1]), filters), 3, sampling.DEPTHWISE)
    activation_code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    options = DepthwiseConv2DOptions(
        padding, int(stride[1]), int(stride[0]), multiplier, activation_code, int(dilation[1]), int(dilation[0])
    )
    x = drawn.input(rng, (batch, int(size[0]), int(size[1]), channels))
    tensors = [
        Tensor("input", x.shape, x.dtype.name, drawn.incoming),
        drawn.weights,
        Tensor("output", (batch, int(output[0]), int(output[1]), filters), x.dtype.name, drawn.outgoing),
    ]
    if rng.random() < 0.2:
        return sampling.single("DEPTHWISE_CONV_2D", options, tensors, (0, 1), (2,), (x,))
    return sampling.single("DEPTHWISE_CONV_2D", options, [*tensors, drawn.bias], (0, 1, 3), (2,), (x,))


OPERATOR = Operator(
    kind="DEPTHWISE_CONV_2D",
    code=4,
    options_code=2,
    options=DepthwiseConv2DOptions,
    summary="depthwise convolution of int8 or int16, any multiplier; dilation, fused clamp, int8 or int4 weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
    distances=distances,
)
