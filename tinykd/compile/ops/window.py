"""Sliding windows: output sizes and padding of convolutions and pools."""

from __future__ import annotations

from dataclasses import dataclass

from tinykd.compile.graph import Graph, Op
from tinykd.errors import UnsupportedModel

SAME, VALID = 0, 1

LONGEST_STEP = (1 << 15) - 1
"""Of strides and dilations, as in LiteRT, and of kernels: the products of two are positions that fit 32 bits."""


@dataclass(frozen=True)
class Axis:
    """One spatial axis of a window: sizes, steps, and the padding before the first element."""

    input: int
    output: int
    kernel: int
    stride: int
    dilation: int
    pad: int


def axis(graph: Graph, op: Op, padding: int, size: int, output: int, kernel: int, stride: int, dilation: int = 1) -> Axis:
    """Geometry along one axis.

    Source: LiteRT `ComputePaddingHeightWidth`. SAME pads half of what is missing in front, the rest behind.

    Raises:
        UnsupportedModel: nonsensical steps, or an output size that does not follow from them.
    """
    if not (1 <= stride <= LONGEST_STEP and 1 <= dilation <= LONGEST_STEP and 1 <= kernel <= LONGEST_STEP):
        raise UnsupportedModel(f"{graph.label(op)} has stride {stride}, dilation {dilation}, kernel {kernel}")
    if padding not in (SAME, VALID):
        raise UnsupportedModel(f"{graph.label(op)} has padding mode {padding}, neither SAME nor VALID")
    reach = (kernel - 1) * dilation + 1
    expected = -(-size // stride) if padding == SAME else (size + stride - reach) // stride
    if expected != output or output < 1:
        raise UnsupportedModel(f"{graph.label(op)} has an output size of {output} where its window gives {expected}")
    missing = (output - 1) * stride + reach - size
    return Axis(size, output, kernel, stride, dilation, max(missing, 0) // 2 if padding == SAME else 0)
