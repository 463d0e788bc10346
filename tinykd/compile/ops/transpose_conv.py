"""TRANSPOSE_CONV: the gradient of a convolution, which makes images larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op, Tensor
from tinykd.compile.ops import requirements, sampling, weighted, window
from tinykd.compile.ops.operator import Call, Case, Operator
from tinykd.compile.ops.weighted import Weighted
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class TransposeConvOptions:
    padding: int = slot(0, "int8", 0)
    stride_w: int = slot(1, "int32", 0)
    stride_h: int = slot(2, "int32", 0)
    fused_activation: int = slot(3, "int8", 0)
    quantized_bias_type: int = slot(4, "int8", 0)


@dataclass(frozen=True, eq=False)
class TransposeConv(Weighted):
    """Integers of a transposed convolution; weights [out, kernel_h, kernel_w, in].

    `rows` and `columns` describe the convolution whose gradient this is: their `input` is our output and the reverse.
    """

    batch: int
    rows: window.Axis
    columns: window.Axis
    in_channels: int
    out_channels: int


def lower(graph: Graph, op: Op, _: Rounding) -> TransposeConv:
    """Inputs: the output's shape, weights, the image, and perhaps a bias."""
    requirements.counts(graph, op, (3, 4))
    filters, source = requirements.present(graph, op, 1), requirements.present(graph, op, 2)
    result = graph.tensors[op.outputs[0]]
    for tensor in (source, filters, result):
        requirements.rank(graph, op, tensor, 4)
    wanted = requirements.constant(graph, op, requirements.present(graph, op, 0), ("int32",)).ravel().tolist()
    requirements.shaped(graph, op, result, wanted)
    out_channels, kernel_h, kernel_w, in_channels = filters.shape
    batch, height, width, channels = source.shape
    if channels != in_channels or result.shape[0] != batch or result.shape[3] != out_channels:
        raise UnsupportedModel(f"{graph.label(op)}: weights {list(filters.shape)} do not lead from {list(source.shape)} to {wanted}")
    o: TransposeConvOptions = op.options
    integers = weighted.weighted(
        graph,
        op,
        source=source,
        filters=filters,
        bias=requirements.optional(graph, op, 3),
        result=result,
        axis=0,
        fused_activation=o.fused_activation,
        bias_type=o.quantized_bias_type,
        weight_dtypes=("int8", "uint8"),
    )
    return TransposeConv(
        **vars(integers),
        batch=batch,
        rows=window.axis(graph, op, o.padding, result.shape[1], height, kernel_h, o.stride_h),
        columns=window.axis(graph, op, o.padding, result.shape[2], width, kernel_w, o.stride_w),
        in_channels=in_channels,
        out_channels=out_channels,
    )


def reference(p: TransposeConv, inputs: Sequence[Array]) -> tuple[Array, ...]:
    # scatter: every input pixel adds its filter to a window of the output; float64 sums of these integers are exact
    x = inputs[0].astype(np.float64) - p.input_zero_point
    r, c = p.rows, p.columns
    height, width = (max((a.output - 1) * a.stride + a.kernel, a.pad + a.input) for a in (r, c))
    total = np.zeros((p.batch, height, width, p.out_channels))
    for i in range(r.kernel):
        for j in range(c.kernel):
            part = x @ p.centred()[:, i, j, :].T
            total[:, i : i + (r.output - 1) * r.stride + 1 : r.stride, j : j + (c.output - 1) * c.stride + 1 : c.stride] += part
    seen = total[:, r.pad : r.pad + r.input, c.pad : c.pad + c.input]
    return (p.outputs(seen.astype(np.int64)),)


_STRUCTS = {
    "s8": "tinykd_transpose_conv",
    "u8": "tinykd_transpose_conv_u8",
    "s16": "tinykd_transpose_conv_s16",
    "s16_narrow": "tinykd_transpose_conv",
}
_SOURCES = {
    "s8": "transpose_conv.c",
    "u8": "transpose_conv_u8.c",
    "s16": "transpose_conv_s16.c",
    "s16_narrow": "transpose_conv_s16_narrow.c",
}
"""By the scheme's suffix."""


def call(p: TransposeConv) -> Call:
    return Call(
        function=f"tinykd_transpose_conv_{p.scheme.suffix}",
        struct=_STRUCTS[p.scheme.suffix],
        fields={
            "batch": p.batch,
            "in_height": p.rows.output,
            "in_width": p.columns.output,
            "in_channels": p.in_channels,
            "out_height": p.rows.input,
            "out_width": p.columns.input,
            "out_channels": p.out_channels,
            "kernel_height": p.rows.kernel,
            "kernel_width": p.columns.kernel,
            "stride_height": p.rows.stride,
            "stride_width": p.columns.stride,
            "pad_top": p.rows.pad,
            "pad_left": p.columns.pad,
            **p.fields(),
        },
        source=_SOURCES[p.scheme.suffix],
        inputs=(2,),
    )


def macs(p: TransposeConv) -> int:
    return p.batch * p.rows.output * p.columns.output * int(p.weights.size)


def cases(rng: np.random.Generator) -> Case:
    kernel, stride = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    padding, size = int(rng.integers(0, 2)), rng.integers(1, 7, 2)
    # any output size whose convolution has the input's size
    if padding == window.SAME:
        output = (size - 1) * stride + rng.integers(1, stride + 1)
    else:
        output = (size - 1) * stride + kernel + rng.integers(0, stride)
    batch, channels, filters = int(rng.choice([1, 1, 2])), int(rng.integers(1, 7)), int(rng.integers(1, 7))
    drawn = sampling.weighted(rng, (filters, int(kernel[0]), int(kernel[1]), channels), 0, sampling.TRANSPOSED)
    x = drawn.input(rng, (batch, int(size[0]), int(size[1]), channels))
    shape = (batch, int(output[0]), int(output[1]), filters)
    options = TransposeConvOptions(padding, int(stride[1]), int(stride[0]), 0, drawn.bias_type)
    tensors = [
        Tensor("shape", (4,), "int32", None, np.array(shape, np.int32)),
        drawn.weights,
        Tensor("input", x.shape, x.dtype.name, drawn.incoming),
        Tensor("output", shape, x.dtype.name, drawn.outgoing),
    ]
    if rng.random() < 0.3:
        return sampling.single("TRANSPOSE_CONV", options, tensors, (0, 1, 2), (3,), (x,))
    return sampling.single("TRANSPOSE_CONV", options, [*tensors, drawn.bias], (0, 1, 2, 4), (3,), (x,))


OPERATOR = Operator(
    kind="TRANSPOSE_CONV",
    code=67,
    options_code=49,
    options=TransposeConvOptions,
    summary="transposed convolution of int8 or int16, fused clamp, weights per tensor or per channel",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
