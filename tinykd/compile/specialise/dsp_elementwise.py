"""ADD, SUB and MUL of equal shapes with the DSP instructions of Cortex-M4, M7, M33 and M55."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinykd.compile.fixed_point import Int64
from tinykd.compile.ops.add import ScaledOperand, Sum
from tinykd.compile.ops.broadcast import Broadcast
from tinykd.compile.ops.mul import Product
from tinykd.compile.ops.operator import Call
from tinykd.compile.specialise.finish import LARGEST_SHIFT

_BYTES = np.arange(-128, 128, dtype=np.int64)
_LARGEST = (1 << 31) - 1
_HALF = 1 << 30
"""The multiplier of the operand with the larger scale, which is a half."""


def add(p: Any) -> Call | None:
    """Two tensors of one shape."""
    return _sum(p, 1) if isinstance(p, Sum) else None


def sub(p: Any) -> Call | None:
    """Two tensors of one shape."""
    return _sum(p, -1) if isinstance(p, Sum) else None


def mul(p: Any) -> Call | None:
    """Two tensors of one shape."""
    if not isinstance(p, Product) or p.dtype != "int8" or not _equal_shapes(p.loops) or not 1 <= -p.output_shift <= LARGEST_SHIFT + 1:
        return None
    return Call(
        function="tinykd_scaled_product_dsp_s8",
        struct="tinykd_scaled_product",
        fields={
            "elements": p.loops.sizes[-1],
            "a_zero_point": p.a_zero_point,
            "b_zero_point": p.b_zero_point,
            **_finish(p),
        },
        source="dsp/elementwise.c",
        inputs=(0, 1),
        distances=(0, 0),
    )


def _sum(p: Sum, sign: int) -> Call | None:
    """a + sign * b, whichever of them has the larger scale being the kernel's first operand."""
    if p.dtype != "int8" or not _equal_shapes(p.loops) or not 1 <= -p.output_shift <= LARGEST_SHIFT + 1:
        return None
    for inputs, plain, plain_sign, other, other_sign in (((0, 1), p.a, 1, p.b, sign), ((1, 0), p.b, sign, p.a, 1)):
        operands = None if (plain.multiplier, plain.shift) != (_HALF, 0) else _operands(plain, plain_sign, other, other_sign)
        if operands is not None:
            return Call(
                function="tinykd_scaled_sum_dsp_s8",
                struct="tinykd_scaled_sum",
                fields={"elements": p.loops.sizes[-1], **operands, **_finish(p)},
                source="dsp/elementwise.c",
                inputs=inputs,
                distances=(0, 0),
            )
    return None


def _operands(plain: ScaledOperand, plain_sign: int, other: ScaledOperand, other_sign: int) -> dict[str, int] | None:
    """Members of the kernel's struct for both operands, proved for each of the 256 values of `other`; None where they do not exist."""
    shift = max(-other.shift, 1)
    # where no shift follows, one by 1 of twice the value does the same: a half is then 2^31 - 1, which is as good as 2^31 for bytes
    multiplier = other.multiplier if other.shift < 0 else min(2 * other.multiplier, _LARGEST)
    offset = (1 << (shift - 1)) - (plain_sign * plain.zero_point << (plain.left_shift - 1 + shift))
    factor = other_sign << (other.left_shift + 1)
    if abs(offset) > _LARGEST // 2 or other.shift > 0:
        return None
    made = {
        "a_factor": plain_sign << (plain.left_shift - 1),
        "b_factor": factor,
        "b_constant": -factor * other.zero_point,
        "b_multiplier": multiplier,
        "b_offset": offset,
        "b_shift": shift,
    }
    raised: Int64 = _BYTES * factor - factor * other.zero_point
    computed = (((raised * multiplier + (1 << 31)) >> 32) + offset - (raised < 0)) >> shift
    wanted = other_sign * other(_BYTES) - (plain_sign * plain.zero_point << (plain.left_shift - 1))
    return made if (computed == wanted).all() else None


def _equal_shapes(loops: Broadcast) -> bool:
    return loops.sizes[:-1] == (1, 1, 1) and loops.a_steps[-1] == loops.b_steps[-1] == 1


def _finish(p: Sum | Product) -> dict[str, int]:
    """The last members of the kernels' structs."""
    return {
        "output_multiplier": p.output_multiplier,
        "output_shift": -p.output_shift - 1,
        "output_z": 2 * p.output_zero_point + 1,
        "clamp_low": p.clamp[0],
        "clamp_high": p.clamp[1],
    }
