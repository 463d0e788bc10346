"""Fixed-point requantization: the integers every int8 kernel agrees on.

A real multiplier M > 0 is held as `multiplier * 2**(shift - 31)` with `multiplier` in [2**30, 2**31).
LiteRT's reference kernels, TFLite Micro and CMSIS-NN all apply it with two roundings: a rounding high multiply,
then a rounding right shift (`requantize`). LiteRT's FULLY_CONNECTED alone rounds once, from float64
(`requantize_once`); TFLite Micro rounds twice there too, which is where the two differ.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Rounding = Literal["single", "double"]
"""`single` equals LiteRT's reference kernels, `double` equals TFLite Micro; they differ in FULLY_CONNECTED."""

Int64 = npt.NDArray[np.int64]

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Split a real multiplier into a Q31 significand and a shift (left if positive).

    Source: LiteRT `QuantizeMultiplier`: round half away from zero, multipliers under 2**-31 flush to zero,
    shifts over 30 saturate.
    """
    if real == 0.0:
        return 0, 0
    significand, shift = math.frexp(real)
    fixed = math.floor(significand * (1 << 31) + 0.5)
    if fixed == 1 << 31:
        fixed //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return INT32_MAX, 30
    return fixed, shift


def rounding_high_multiply(a: Int64, b: npt.NDArray[Any]) -> Int64:
    """round(a * b / 2**31), ties away from zero, saturated: gemmlowp's SaturatingRoundingDoublingHighMul."""
    product = a * b
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    total = product + nudge
    quotient = np.sign(total) * (np.abs(total) >> 31)
    return np.asarray(np.minimum(quotient, INT32_MAX), np.int64)


def rounding_shift_right(x: Int64, exponent: npt.NDArray[Any]) -> Int64:
    """round(x / 2**exponent), ties away from zero: gemmlowp's RoundingDivideByPOT."""
    exponent = np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return np.asarray((x >> exponent) + ((x & mask) > threshold), np.int64)


def requantize(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """Multiply int32 accumulators by a fixed-point multiplier, rounding twice; elementwise with broadcasting.

    Source: LiteRT `MultiplyByQuantizedMultiplier`, built without TFLITE_SINGLE_ROUNDING as it is shipped.

    Args:
        x: accumulators, each within int32.
        multiplier: Q31 significands.
        shift: exponents; positive shifts left.

    Returns:
        int64 array; values fit int32 whenever the scaled result does.
    """
    exponent = np.asarray(shift, np.int64)
    left, right = np.maximum(exponent, 0), np.maximum(-exponent, 0)
    return rounding_shift_right(rounding_high_multiply(np.asarray(x, np.int64) << left, np.asarray(multiplier, np.int64)), right)


def requantize_wide(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """Multiply int64 accumulators by a fixed-point multiplier cut to 16 bits, rounding once, ties up; elementwise.

    Source: LiteRT `MultiplyByQuantizedMultiplier` of int64, which its int16 convolutions use.

    Args:
        x: accumulators, each below 2**47 in magnitude.
        multiplier: Q31 significands.
        shift: exponents from -31 to 7; positive shifts left.
    """
    significand = np.asarray(multiplier, np.int64)
    reduced = np.where(significand < 0x7FFF0000, (significand + (1 << 15)) >> 16, 0x7FFF)
    right = 15 - np.asarray(shift, np.int64)
    return np.asarray((np.asarray(x, np.int64) * reduced + (np.int64(1) << (right - 1))) >> right, np.int64)


def requantize_once(x: npt.ArrayLike, multiplier: npt.ArrayLike, shift: npt.ArrayLike) -> Int64:
    """round(x * multiplier * 2**(shift - 31)), ties away from zero, rounded once; elementwise with broadcasting.

    Args:
        x: accumulators, each within int32.
        multiplier: Q31 significands.
        shift: exponents from -31 to 30; positive shifts left.
    """
    value = np.asarray(x, np.int64)
    right = 31 - np.asarray(shift, np.int64)
    half = np.int64(1) << (right - 1)
    return np.asarray((value * np.asarray(multiplier, np.int64) + half - (value < 0)) >> right, np.int64)
