"""1 / sqrt(x) of integers in 32-bit fixed point, as LiteRT's `GetInvSqrtQuantizedMultiplierExp` computes it."""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, INT32_MIN, rounding_high_multiply, rounding_shift_right

_HALF_THREE = (1 << 28) + (1 << 27)
_HALF_ROOT_TWO = 1518500250


def _multiply(a: int, b: int) -> int:
    return int(rounding_high_multiply(np.asarray(a, np.int64), np.asarray(b, np.int64)))


def _shifted_left(x: int, bits: int) -> int:
    return min(max(x << bits, INT32_MIN), INT32_MAX)


def inverse_root(value: int) -> tuple[int, int]:
    """Significand and shift (left if positive) of 1 / sqrt(value), for a 32-bit value of at least 0; 0 counts as 1.

    Five steps of Newton's method in Q3.28 from a guess of 1.
    """
    if value <= 1:
        return INT32_MAX, 0
    right = 11
    while value >= 1 << 29:
        value //= 4
        right += 1
    pairs = (32 - value.bit_length() - 1) // 2 - 1
    right -= pairs
    raised = (value << (2 * pairs)) >> 1
    half = int(rounding_shift_right(np.asarray(raised, np.int64), np.int64(1)))
    x = 1 << 28
    for _ in range(5):
        cube = _shifted_left(_multiply(_multiply(x, x), x), 6)  # Q9 to Q3
        x = _shifted_left(_multiply(_HALF_THREE, x) - _multiply(half, cube), 3)  # Q6 to Q3
    x = _multiply(x, _HALF_ROOT_TWO)
    return (x << -right, 0) if right < 0 else (x, -right)
