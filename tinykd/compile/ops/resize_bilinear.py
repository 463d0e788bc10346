"""RESIZE_BILINEAR: another height and width, each pixel between four, in 10-bit fixed point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import Array, Graph, Op
from tinykd.compile.ops import requirements, sampling
from tinykd.compile.ops.operator import Call, Case, Operator, Table
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ResizeBilinearOptions:
    align_corners: int = slot(2, "bool", 0)  # slots 0 and 1 held the new size in the schema's first version
    half_pixel_centers: int = slot(3, "bool", 0)


@dataclass(frozen=True, eq=False)
class Positions:
    """Where each output element of an axis lies between input elements.

    Attributes:
        size: input elements.
        lower: [output] index of the element before.
        upper: [output] index of the element after.
        fraction: [output] distance from `lower` in 1/1024; outside the input it can be negative.
    """

    size: int
    lower: Array
    upper: Array
    fraction: Array


@dataclass(frozen=True, eq=False)
class ResizeBilinear:
    """Interpolation of [batch, height, width, channels]."""

    batch: int
    channels: int
    rows: Positions
    columns: Positions


def positions(graph: Graph, op: Op, size: int, output: int, o: ResizeBilinearOptions) -> Positions:
    """Source: LiteRT `ComputeInterpolationValuesInteger`; its divisions truncate."""
    spans, steps = (size - 1, output - 1) if o.align_corners and output > 1 else (size, output)
    scale = ((spans << 10) + steps // 2) // steps
    scaled = np.arange(output, dtype=np.int64) * scale
    if o.half_pixel_centers:
        scaled += scale // 2 - 512

    def quotient(x: Array) -> Array:
        return np.asarray(np.sign(x) * (np.abs(x) >> 10), np.int64)

    lower = np.maximum(quotient(scaled), 0)
    upper = np.minimum(quotient(scaled + 1023), size - 1)
    fraction = scaled - (lower << 10)
    if int(lower.max()) >= size or int(upper.min()) < 0 or np.abs(fraction).max() > 1024 or size > 1 << 15:
        raise UnsupportedModel(f"{graph.label(op)}: resizing {size} to {output} elements reads outside the input in LiteRT")
    return Positions(size, lower.astype(np.int16), upper.astype(np.int16), fraction.astype(np.int16))


def lower(graph: Graph, op: Op, _: Rounding) -> ResizeBilinear:
    """The scales are not looked at: LiteRT interpolates the integers themselves."""
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    requirements.rank(graph, op, source, 4)
    requirements.quantized(graph, op, source)
    requirements.quantized(graph, op, result)
    size = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32",)).ravel().tolist()
    batch, height, width, channels = source.shape
    if len(size) != 2 or min(size) < 1:
        raise UnsupportedModel(f"{graph.label(op)} resizes '{source.name}' to {size}")
    if op.options.align_corners and op.options.half_pixel_centers:
        raise UnsupportedModel(f"{graph.label(op)} aligns corners and half-pixel centres at once")
    requirements.shaped(graph, op, result, (batch, *size, channels))
    return ResizeBilinear(
        batch, channels, positions(graph, op, height, size[0], op.options), positions(graph, op, width, size[1], op.options)
    )


def reference(p: ResizeBilinear, inputs: Sequence[Array]) -> tuple[Array, ...]:
    x = inputs[0].astype(np.int64)

    def between(x: Array, a: Positions, axis: int) -> Array:
        fraction = a.fraction.astype(np.int64).reshape([-1 if k == axis else 1 for k in range(4)])
        return np.asarray(np.take(x, a.lower, axis) * (1024 - fraction) + np.take(x, a.upper, axis) * fraction, np.int64)

    total = between(between(x, p.rows, 1), p.columns, 2)
    rounded = total + np.where(total > 0, 1 << 19, -(1 << 19))
    return ((np.sign(rounded) * (np.abs(rounded) >> 20)).astype(np.int8),)


def call(p: ResizeBilinear) -> Call:
    return Call(
        function="tinykd_resize_bilinear_s8",
        struct="tinykd_resize_bilinear",
        fields={
            "batch": p.batch,
            "in_height": p.rows.size,
            "in_width": p.columns.size,
            "channels": p.channels,
            "out_height": int(p.rows.lower.size),
            "out_width": int(p.columns.lower.size),
            "tops": Table("int16_t", p.rows.lower),
            "bottoms": Table("int16_t", p.rows.upper),
            "row_fractions": Table("int16_t", p.rows.fraction),
            "lefts": Table("int16_t", p.columns.lower),
            "rights": Table("int16_t", p.columns.upper),
            "column_fractions": Table("int16_t", p.columns.fraction),
        },
        source="resize_bilinear.c",
    )


def macs(p: ResizeBilinear) -> int:
    return 4 * p.batch * p.channels * int(p.rows.lower.size) * int(p.columns.lower.size)


def cases(rng: np.random.Generator) -> Case:
    return sampling.resized(rng, "RESIZE_BILINEAR", ResizeBilinearOptions)


OPERATOR = Operator(
    kind="RESIZE_BILINEAR",
    code=23,
    options_code=15,
    options=ResizeBilinearOptions,
    summary="bilinear resizing",
    lower=lower,
    reference=reference,
    call=call,
    macs=macs,
    cases=cases,
)
