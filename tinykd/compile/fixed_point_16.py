"""Logistic and tanh of int16, as LSTMs use them: 16-bit fixed point with gemmlowp's rounding.

A number of format Qi has i integer bits, 15 - i fractional bits and a sign. Functions take and return int64 arrays that
hold int16 values. No sum leaves 16 bits, as running all 65536 arguments shows.
Source: gemmlowp `fixedpoint/fixedpoint.h`, its templates at int16.
"""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import Int64, rounding_shift_right

ONE = 32767
"""The largest Q0 number stands for 1."""

_EXP_OF_MINUS_EIGHTH = 28918
_THIRD = 10923
_EXP_OF_MINUS_POWERS = (25520, 19875, 12055, 4435, 600, 11, 0)
"""exp(-2**k) in Q0 for k from -2 to 4."""

_48_OVER_17, _MINUS_32_OVER_17 = 23130, -15420
"""Newton's first guess for a reciprocal, in Q2."""


def _multiply(a: Int64, b: Int64 | int) -> Int64:
    """round(a * b / 2**15), ties away from zero, saturated."""
    product = a * np.asarray(b, np.int64)
    total = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.asarray(np.minimum(np.sign(total) * (np.abs(total) >> 15), ONE), np.int64)


def _saturating_left(x: Int64, bits: int) -> Int64:
    return np.asarray(np.clip(x << bits, -ONE - 1, ONE), np.int64)


def _exp_between_minus_quarter_and_0(a: Int64) -> Int64:
    """Q0 to Q0: Taylor's series around -1/8."""
    x = a + (1 << 12)
    square = _multiply(x, x)
    cube, fourth = _multiply(square, x), _multiply(square, square)
    inner = rounding_shift_right(fourth, np.int64(2)) + cube
    tail = rounding_shift_right(_multiply(inner, _THIRD) + square, np.int64(1))
    grown = _EXP_OF_MINUS_EIGHTH + _multiply(x + tail, _EXP_OF_MINUS_EIGHTH)
    return np.asarray(np.clip(grown, -ONE - 1, ONE), np.int64)


def exp_of_negative(a: Int64, integer_bits: int) -> Int64:
    """exp(a) in Q0 for a <= 0 with at most 7 integer bits."""
    fractional_bits = 15 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    fraction = (a & (quarter - 1)) - quarter  # within [-1/4, 0)
    result = _exp_between_minus_quarter_and_0(_saturating_left(fraction, integer_bits))
    remainder = fraction - a
    for k, factor in enumerate(_EXP_OF_MINUS_POWERS[: integer_bits + 2], start=-2):
        result = np.where(remainder & (1 << (fractional_bits + k)), _multiply(result, factor), result)
    if integer_bits > 5:
        result = np.where(a < -(32 << fractional_bits), 0, result)
    return np.asarray(np.where(a == 0, ONE, result), np.int64)


def _reciprocal_of_half(x: Int64) -> Int64:
    """2 / (1 + x) in Q2 for x in Q0 from 0 to 1: three steps of Newton's method."""
    half_denominator = (x + ONE + 1) // 2
    guess = _48_OVER_17 + _multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 13) - _multiply(half_denominator, guess)
        guess = guess + _saturating_left(_multiply(guess, error), 2)
    return guess


def logistic(a: Int64, integer_bits: int) -> Int64:
    """1 / (1 + exp(-a)) in Q0."""
    positive = _saturating_left(_reciprocal_of_half(exp_of_negative(-np.abs(a), integer_bits)), 1)
    return np.asarray(np.where(a == 0, 1 << 14, np.where(a > 0, positive, ONE - positive)), np.int64)


def tanh(a: Int64, integer_bits: int) -> Int64:
    """tanh(a) in Q0 for a with at most 6 integer bits."""
    # doubling the argument of exp(-2a) is reading it with one integer bit more
    decayed = exp_of_negative(-np.abs(a), integer_bits + 1)
    magnitude = _saturating_left(_reciprocal_of_half(decayed) - (1 << 13), 2)
    return np.asarray(np.sign(a) * magnitude, np.int64)
