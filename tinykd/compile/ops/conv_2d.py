"""CONV_2D: two-dimensional convolution, grouped and dilated, weights per tensor or per channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding, quantize_multiplier, requantize
from tinykd.compile.graph import Array, Graph, Op, Quant, Tensor
from tinykd.compile.ops import activation, requirements, sampling, window
from tinykd.compile.ops.operator import Call, Case, Operator, Table
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


@dataclass(frozen=True, eq=False)
class Conv2D:
    """Integers of a convolution. Input [batch, height, width, channels], weights [out, kernel_h, kernel_w, in/groups]."""

    batch: int
    rows: window.Axis
    columns: window.Axis
    in_channels: int
    out_channels: int
    weights: Array
    bias: Array
    multipliers: Array
    shifts: Array
    input_zero_point: int
    output_zero_point: int
    clamp: tuple[int, int]

    @property
    def groups(self) -> int:
        return self.in_channels // int(self.weights.shape[3])


def channel_multipliers(input_scale: float, scales: Sequence[float], output_scale: float) -> tuple[Array, Array]:
    """Q31 multipliers and shifts, one per output channel: input_scale * weight_scale / output_scale in float64."""
    pairs = [quantize_multiplier(input_scale * scale / output_scale) for scale in scales]
    return np.array([m for m, _ in pairs], np.int32), np.array([s for _, s in pairs], np.int32)


def lower(graph: Graph, op: Op, _: Rounding) -> Conv2D:
    requirements.counts(graph, op, (2, 3))
    source, filters = requirements.present(graph, op, 0), requirements.present(graph, op, 1)
    result = graph.tensors[op.outputs[0]]
    for tensor in (source, filters, result):
        requirements.rank(graph, op, tensor, 4)
    incoming, outgoing = requirements.quantized(graph, op, source), requirements.quantized(graph, op, result)
    weights, scales = requirements.weights(graph, op, filters, axis=0)
    out_channels, kernel_h, kernel_w, depth = filters.shape
    batch, height, width, in_channels = source.shape
    if in_channels % depth or out_channels % (in_channels // depth):
        raise UnsupportedModel(f"{graph.label(op)}: {in_channels} channels do not divide into filters of depth {depth}")
    requirements.shaped(graph, op, result, (batch, result.shape[1], result.shape[2], out_channels))
    o: Conv2DOptions = op.options
    bias = requirements.bias(graph, op, requirements.optional(graph, op, 2), out_channels)
    multipliers, shifts = channel_multipliers(incoming.scale, scales, outgoing.scale)
    magnitudes = np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3))
    requirements.accumulators_fit(graph, op, magnitudes, bias, shifts)
    return Conv2D(
        batch=batch,
        rows=window.axis(graph, op, o.padding, height, result.shape[1], kernel_h, o.stride_h, o.dilation_h),
        columns=window.axis(graph, op, o.padding, width, result.shape[2], kernel_w, o.stride_w, o.dilation_w),
        in_channels=in_channels,
        out_channels=out_channels,
        weights=weights,
        bias=bias,
        multipliers=multipliers,
        shifts=shifts,
        input_zero_point=incoming.zero_point,
        output_zero_point=outgoing.zero_point,
        clamp=activation.clamp(graph, op, o.fused_activation, outgoing),
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


def reference(p: Conv2D, inputs: Sequence[Array]) -> tuple[Array, ...]:
    # float64 products and sums of these integers stay below 2**53, so they are exact and use the fast matrix product
    x = inputs[0].astype(np.float64) - p.input_zero_point
    per_group = p.out_channels // p.groups
    accumulators = []
    for group, part in enumerate(np.split(x, p.groups, axis=3)):
        columns = patches(part, p.rows, p.columns).reshape(p.batch * p.rows.output * p.columns.output, -1)
        filters = p.weights[group * per_group : (group + 1) * per_group].reshape(per_group, -1)
        accumulators.append(columns @ filters.T.astype(np.float64))
    total = np.concatenate(accumulators, axis=1).astype(np.int64) + p.bias
    scaled = requantize(total, p.multipliers, p.shifts) + p.output_zero_point
    shape = (p.batch, p.rows.output, p.columns.output, p.out_channels)
    return (np.clip(scaled, *p.clamp).astype(np.int8).reshape(shape),)


def call(p: Conv2D) -> Call:
    return Call(
        function="tinykd_conv_2d_s8",
        struct="tinykd_conv_2d",
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
            "input_zero_point": p.input_zero_point,
            "output_zero_point": p.output_zero_point,
            "clamp_low": p.clamp[0],
            "clamp_high": p.clamp[1],
            "weights": Table("int8_t", p.weights),
            "bias": Table("int32_t", p.bias),
            "multipliers": Table("int32_t", p.multipliers),
            "shifts": Table("int8_t", p.shifts),
        },
        source="conv_2d.c",
    )


def macs(p: Conv2D) -> int:
    return p.batch * p.rows.output * p.columns.output * int(p.weights.size)


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
    incoming = sampling.quant(rng)
    weight_quant = sampling.weight_quant(rng, filters, 0)
    weights = sampling.int8(rng, (filters, int(kernel[0]), int(kernel[1]), depth), low=-127)
    typical = incoming.scale * weight_quant.scale * 127 * 100 * float(np.sqrt(weights[0].size))
    bias_scales = tuple(incoming.scale * s for s in weight_quant.scales)
    bias = rng.integers(-20000, 20001, filters).astype(np.int32)
    options = Conv2DOptions(padding, int(stride[1]), int(stride[0]), int(rng.choice([0, 0, 1, 3])), int(dilation[1]), int(dilation[0]))
    x = sampling.int8(rng, (batch, int(size[0]), int(size[1]), channels))
    tensors = [
        Tensor("input", x.shape, "int8", incoming),
        Tensor("weights", weights.shape, "int8", weight_quant, weights),
        Tensor("bias", bias.shape, "int32", Quant(bias_scales, (0,) * len(bias_scales)), bias),
        Tensor("output", (batch, int(output[0]), int(output[1]), filters), "int8", sampling.output_quant(rng, typical)),
    ]
    return sampling.single("CONV_2D", options, tensors, (0, 1, 2), (3,), (x,))


OPERATOR = Operator(
    kind="CONV_2D",
    code=3,
    options_code=1,
    options=Conv2DOptions,
    summary="2-D convolution; groups, dilation, fused clamp, weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
