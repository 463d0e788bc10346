"""MEAN over height and width becomes AVERAGE_POOL_2D where the two agree on every sum that can occur.

That is rare: LiteRT's MEAN rounds twice and ties away from the zero point. On one scale the two agree for windows of one
and of three elements, for others only by the accident of their quantization, so each case is decided on all its sums.
"""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import requantize
from tinykd.compile.ops.average_pool_2d import OPERATOR as AVERAGE_POOL_2D
from tinykd.compile.ops.mean import Mean
from tinykd.compile.ops.pooling import Pool
from tinykd.compile.ops.window import Axis
from tinykd.compile.passes.rewriting import renumbered, with_parameters
from tinykd.compile.program import Layer, Program

_LARGEST_COUNT = 1 << 14
"""Positions: every sum of so many bytes is tried."""


def apply(program: Program) -> Program:
    """The pool needs no multiplier: one division a channel."""
    return renumbered(program, [_pooled(program, layer) for layer in program.layers])


def _pooled(program: Program, layer: Layer) -> Layer:
    p, source, result = layer.parameters, program.tensor(layer.op.inputs[0]), program.tensor(layer.op.subject)
    if not isinstance(p, Mean) or len(source.shape) != 4 or source.dtype != "int8" or source.is_constant:
        return layer
    batch, height, width, channels = source.shape
    count = height * width
    if result.elements != batch * channels or tuple(p.loops.axes) != (1, 2) or count > _LARGEST_COUNT:
        return layer
    sums = np.arange(-128 * count, 127 * count + 1, dtype=np.int64)
    mean = np.clip(requantize(sums - p.total_zero_point, p.multiplier, p.shift) + p.output_zero_point, -128, 127)
    pooled = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    if not np.array_equal(mean, pooled):
        return layer
    pool = Pool(batch, Axis(height, 1, height, 1, 1, 0), Axis(width, 1, width, 1, 1, 0), channels, (-128, 127))
    return with_parameters(layer, AVERAGE_POOL_2D, pool, (layer.op.inputs[0],), layer.op.outputs)
