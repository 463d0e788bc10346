"""RESIZE_NEAREST_NEIGHBOR: another height and width, each pixel from its nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinykd.compile.fixed_point import Rounding
from tinykd.compile.graph import ITEM_BYTES, Array, Graph, Op
from tinykd.compile.ops import picked, requirements, sampling
from tinykd.compile.ops.operator import Case, Operator
from tinykd.compile.ops.picked import Picked
from tinykd.compile.schema import slot
from tinykd.errors import UnsupportedModel


@dataclass(frozen=True)
class ResizeNearestNeighborOptions:
    align_corners: int = slot(0, "bool", 0)
    half_pixel_centers: int = slot(1, "bool", 0)


def nearest(size: int, output: int, o: ResizeNearestNeighborOptions) -> Array:
    """[output] index of each output element's nearest input element. Source: LiteRT `GetNearestNeighbor`, in float32."""
    shrunk = bool(o.align_corners) and output > 1
    scale = np.float32(size - 1) / np.float32(output - 1) if shrunk else np.float32(size) / np.float32(output)
    position = (np.arange(output).astype(np.float32) + np.float32(0.5 if o.half_pixel_centers else 0.0)) * scale
    floor = np.floor(position)
    index = floor + (position - floor >= 0.5) if o.align_corners else floor
    return np.asarray(np.clip(index.astype(np.int64), 0, size - 1), np.int64)


def lower(graph: Graph, op: Op, _: Rounding) -> Picked:
    requirements.counts(graph, op, (2,))
    source, result = requirements.present(graph, op, 0), graph.tensors[op.outputs[0]]
    requirements.rank(graph, op, source, 4)
    size = requirements.constant(graph, op, requirements.present(graph, op, 1), ("int32",)).ravel().tolist()
    batch, height, width, channels = source.shape
    if len(size) != 2 or min(size) < 1 or source.dtype != result.dtype:
        raise UnsupportedModel(f"{graph.label(op)} resizes '{source.name}' to {size}")
    requirements.shaped(graph, op, result, (batch, *size, channels))
    return Picked(
        outer=batch,
        height=height,
        width=width,
        inner=channels * ITEM_BYTES[source.dtype],
        rows=picked.table(graph, op, nearest(height, size[0], op.options), height),
        columns=picked.table(graph, op, nearest(width, size[1], op.options), width),
        output_shape=result.shape,
    )


def cases(rng: np.random.Generator) -> Case:
    return sampling.resized(rng, "RESIZE_NEAREST_NEIGHBOR", ResizeNearestNeighborOptions)


OPERATOR = Operator(
    kind="RESIZE_NEAREST_NEIGHBOR",
    code=97,
    options_code=74,
    options=ResizeNearestNeighborOptions,
    summary="nearest-neighbour resizing, any dtype",
    lower=lower,
    reference=picked.reference,
    call=picked.call,
    macs=picked.macs,
    cases=cases,
)
