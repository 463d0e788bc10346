"""How the faster kernels turn sums into outputs: tables for `tinykd/finish.h`, each proved equal to the specification.

Both roundings of the specification are non-decreasing functions of a sum, so a formula that agrees on both sides of each of
the at most 255 sums where the output steps agrees everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from tinykd.compile.fixed_point import requantize
from tinykd.compile.ops.weighted import Weighted

LARGEST_SUM = 1 << 30
LARGEST_SHIFT = 21
"""Of what `tinykd/finish.h` names `s1`: one less than the shift to the right."""

P = TypeVar("P", bound=Weighted)


def rounded_twice(p: P, axes: tuple[int, ...]) -> P | None:
    """`p` as `tinykd_finish_twice_s8` takes it: sums below 2^30 and `shifts` that are its `s1`, 0 to 21; None if that cannot be.

    A filter of zeros gives a constant, whatever scale and bias the converter noted for it; the constant gets others.

    Args:
        axes: of the weights, all but the output channels.
    """
    magnitudes = np.abs(p.weights.astype(np.int64)).sum(axis=axes)
    small = magnitudes * 255 + np.abs(p.bias.astype(np.int64)) < LARGEST_SUM
    other = ~small | (p.shifts > -1) | (p.shifts < -LARGEST_SHIFT - 1)
    if (other & (magnitudes != 0)).any():
        return None
    # 4k * 2^30 / 2^31 is 2k, and 2k shifted by 1 is k; what the clamp cuts off anyway is cut off here
    constants = np.clip(requantize(p.bias, p.multipliers, p.shifts), -512, 512)
    return replace(
        p,
        bias=np.where(other, 4 * constants, p.bias).astype(np.int32),
        multipliers=np.where(other, 1 << 30, p.multipliers).astype(np.int32),
        shifts=np.where(other, 0, -p.shifts - 1).astype(np.int32),
    )
