"""DEPTHWISE_CONV_2D: every input channel has its own filters, `multiplier` of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import activation, requirements, sampling, window
from tinykd.compile.ops.conv_2d import patches
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.ops.weighted import channel_multipliers
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
class DepthwiseConv2D:
    """Integers of a depthwise convolution. Input [batch, height, width, channels], weights [kernel_h, kernel_w, channels * multiplier].

    Output channel c reads input channel c // multiplier.
    """

    batch: int
    rows: window.Axis
    columns: window.Axis
    in_channels: int
    multiplier: int
    weights: Array
    bias: Array
    multipliers: Array
    shifts: Array
    input_zero_point: int
    output_zero_point: int
    clamp: tuple[int, int]


def lower(graph: Graph, op: Op, _: Rounding) -> DepthwiseConv2D:
    requirements.counts(graph, op, (2, 3))
    source, filters = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (source, filters, result):
        requirements.rank(graph, op, tensor, 4)
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    weights, scales = requirements.weights(graph, op, filters, axis=3)
    one, kernel_h, kernel_w, out_channels = filters.shape
    batch, height, width, in_channels = source.shape
    if one != 1 or out_channels % in_channels:
        raise UnsupportedModel(f"{graph.label(op)}: weights {list(filters.shape)} do not fit {in_channels} input channels")
    requirements.shaped(graph, op, result, (batch, result.shape[1], result.shape[2], out_channels))
    o: DepthwiseConv2DOptions = op.options
    bias = requirements.bias(graph, op, requirements.optional(graph, op, 2), out_channels)
    multipliers, shifts = channel_multipliers(incoming.scale, scales, outgoing.scale)
    magnitudes = np.abs(weights.astype(np.int64)).sum(axis=(0, 1, 2))
    requirements.accumulators_fit(graph, op, magnitudes, bias, shifts)
    return DepthwiseConv2D(
        batch=batch,
        rows=window.axis(graph, op, o.padding, height, result.shape[1], kernel_h, o.stride_h, o.dilation_h),
        columns=window.axis(graph, op, o.padding, width, result.shape[2], kernel_w, o.stride_w, o.dilation_w),
        in_channels=in_channels,
        multiplier=out_channels // in_channels,
        weights=weights[0],
        bias=bias,
        multipliers=multipliers,
        shifts=shifts,
        input_zero_point=incoming.zero_point,
        output_zero_point=outgoing.zero_point,
        clamp=activation.clamp(graph, op, o.fused_activation, outgoing),
    )


def reference(p: DepthwiseConv2D, inputs: Sequence[Array]) -> tuple[Array, ...]:
    # float64 products and sums of these integers stay below 2**53, so they are exact
    windows = patches(inputs[0].astype(np.float64) - p.input_zero_point, p.rows, p.columns)
    filters = p.weights.reshape(p.rows.kernel, p.columns.kernel, p.in_channels, p.multiplier).astype(np.float64)
    total = np.einsum("byxijc,ijcm->byxcm", windows, filters).astype(np.int64)
    channels_last = total.reshape(p.batch, p.rows.output, p.columns.output, p.in_channels * p.multiplier) + p.bias
    scaled = requantize(channels_last, p.multipliers, p.shifts) + p.output_zero_point
    return (np.clip(scaled, *p.clamp).astype(np.int8),)


def call(p: DepthwiseConv2D) -> Call:
    return Call(
        function="tinykd_depthwise_conv_2d_s8",
        struct="tinykd_depthwise_conv_2d",
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
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", p.weights),
            "bias": Table("int32_t", p.bias),
            "multipliers": Table("int32_t", p.multipliers),
            "shifts": Table("int8_t", p.shifts),
        },
        source="depthwise_conv_2d.c",
    )


def macs(p: DepthwiseConv2D) -> int:
    return p.batch * p.rows.output * p.columns.output * int(p.weights.size)


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
    incoming = sampling.quant(rng)
    weight_quant = sampling.weight_quant(rng, filters, 3)
    weights = sampling.int8(rng, (1, int(kernel[0]), int(kernel[1]), filters), low=-127)
    outgoing = sampling.output_quant(rng, incoming.scale * weight_quant.scale * 127 * 100 * float(np.sqrt(kernel.prod())))
    if rng.random() < 0.25:  # a real multiplier of 2**-k: every half is an exact tie
        outgoing = Quant((float(np.float32(incoming.scale * weight_quant.scale * 2.0 ** int(rng.integers(1, 9)))),), outgoing.zero_points)
    activation_code = int(rng.choice([activation.NONE, activation.NONE, activation.RELU, activation.RELU_N1_TO_1, activation.RELU6]))
    options = DepthwiseConv2DOptions(
        padding, int(stride[1]), int(stride[0]), multiplier, activation_code, int(dilation[1]), int(dilation[0])
    )
    x = sampling.int8(rng, (batch, int(size[0]), int(size[1]), channels))
    tensors = [
        Tensor("input", x.shape, "int8", incoming),
        Tensor("weights", weights.shape, "int8", weight_quant, weights),
        Tensor("output", (batch, int(output[0]), int(output[1]), filters), "int8", outgoing),
    ]
    if rng.random() < 0.2:
        return sampling.single("DEPTHWISE_CONV_2D", options, tensors, (0, 1), (2,), (x,))
    bias = rng.integers(-20000, 20001, filters).astype(np.int32)
    bias_scales = tuple(incoming.scale * s for s in weight_quant.scales)
    tensors.append(Tensor("bias", bias.shape, "int32", Quant(bias_scales, (0,) * len(bias_scales)), bias))
    return sampling.single("DEPTHWISE_CONV_2D", options, tensors, (0, 1, 3), (2,), (x,))


OPERATOR = Operator(
    kind="DEPTHWISE_CONV_2D",
    code=4,
    options_code=2,
    options=DepthwiseConv2DOptions,
    summary="depthwise convolution with any multiplier; dilation, fused clamp, weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
