"""Fused activations: the clamp that ends most kernels."""

from __future__ import annotations

import math

import numpy as np

from tinykd.compile.graph import Graph, Op, Quant
from tinykd.errors import UnsupportedModel

NONE, RELU, RELU_N1_TO_1, RELU6, TANH = 0, 1, 2, 3, 4

_REAL_RANGES: dict[int, tuple[float | None, float | None]] = {
    NONE: (None, None),
    RELU: (0.0, None),
    RELU_N1_TO_1: (-1.0, 1.0),
    RELU6: (0.0, 6.0),
}
"""ActivationFunctionType numbers that are clamps, with their real bounds."""


def clamp(graph: Graph, op: Op, activation: int, output: Quant, dtype: str = "int8") -> tuple[int, int]:
    """The integer range [low, high] that a fused activation leaves.

    Source: LiteRT `CalculateActivationRangeQuantized`: bounds are rounded half away from zero in float32.
    """
    if activation not in _REAL_RANGES:
        raise UnsupportedModel(f"{graph.label(op)} has fused activation {activation}, which is not a clamp")
    limits = np.iinfo(dtype)
    low, high = _REAL_RANGES[activation]
    return (
        int(limits.min) if low is None else max(int(limits.min), quantized(low, output)),
        int(limits.max) if high is None else min(int(limits.max), quantized(high, output)),
    )


def quantized(real: float, quant: Quant) -> int:
    """zero_point + round(real / scale), the division in float32 and ties away from zero."""
    ratio = float(np.float32(real) / np.float32(quant.scale))
    return quant.zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))
