"""PAD before a convolution or a maximum moves into that operator's own padding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinykd.compile.ops.conv_2d import Conv2D
from tinykd.compile.ops.depthwise_conv_2d import DepthwiseConv2D
from tinykd.compile.ops.max_pool_2d import OPERATOR as MAX_POOL_2D
from tinykd.compile.ops.pad import Pad
from tinykd.compile.ops.pooling import Pool
from tinykd.compile.ops.window import Axis
from tinykd.compile.passes.rewriting import merge_pairs, with_parameters
from tinykd.compile.program import Layer, Program


def apply(program: Program) -> Program:
    """Only borders of height and width, with the value that the second operator itself sees outside its input."""
    return merge_pairs(program, _merged)


def _merged(_: Program, first: Layer, second: Layer) -> Layer | None:
    pad, p = first.parameters, second.parameters
    if not isinstance(pad, Pad) or len(pad.borders) != 4 or pad.borders[0] != (0, 0) or pad.borders[3] != (0, 0):
        return None
    if not isinstance(p, (Conv2D, DepthwiseConv2D, Pool)):
        return None
    rows, columns = _unpadded(p.rows, pad.borders[1]), _unpadded(p.columns, pad.borders[2])
    if isinstance(p, Pool):
        # the maximum ignores what lies outside: the same, if the border is the lowest value and no window lies in it alone
        if second.row is not MAX_POOL_2D or pad.value != np.iinfo(p.dtype).min or not (_always_inside(rows) and _always_inside(columns)):
            return None
    elif pad.value != p.input_zero_point:
        return None
    parameters = replace(p, rows=rows, columns=columns)
    return with_parameters(second, second.row, parameters, (first.op.inputs[0], *second.op.inputs[1:]), second.op.outputs)


def _unpadded(axis: Axis, border: tuple[int, int]) -> Axis:
    return replace(axis, input=axis.input - sum(border), pad=axis.pad + border[0])


def _always_inside(axis: Axis) -> bool:
    """Every window touches the input."""
    last = (axis.output - 1) * axis.stride - axis.pad
    return axis.pad < axis.kernel and last < axis.input
