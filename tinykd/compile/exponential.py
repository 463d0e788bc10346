"""exp and reciprocal in 32-bit fixed point, as gemmlowp's `fixedpoint.h` computes them.

A number of format Qi has i integer bits, 31 - i fractional bits and a sign. All functions take and return int64 arrays
that hold int32 values.
"""

from __future__ import annotations

import numpy as np

from tinykd.compile.fixed_point import INT32_MAX, INT32_MIN, Int64, rounding_high_multiply, rounding_shift_right

ONE = INT32_MAX
"""The largest Q0 number stands for 1."""

_EXP_OF_MINUS_EIGHTH = 1895147668
_THIRD = 715827883
_EXP_OF_MINUS_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-2**k) in Q0 for k from -2 to 4."""

_48_OVER_17, _MINUS_32_OVER_17 = 1515870810, -1010580540
"""Newton's first guess for a reciprocal, in Q2."""


def _multiply(a: Int64, b: Int64 | int) -> Int64:
    return rounding_high_multiply(a, np.asarray(b, np.int64))


def _saturating_left(x: Int64, bits: int) -> Int64:
    return np.asarray(np.clip(x << bits, INT32_MIN, INT32_MAX), np.int64)


def _exp_between_minus_quarter_and_0(a: Int64) -> Int64:
    """Q0 to Q0: Taylor's series around -1/8."""
    x = a + (1 << 28)
    square = _multiply(x, x)
    cube, fourth = _multiply(square, x), _multiply(square, square)
    tail = rounding_shift_right(_multiply(rounding_shift_right(fourth, np.int64(2)) + cube, _THIRD) + square, np.int64(1))
    return _EXP_OF_MINUS_EIGHTH + _multiply(x + tail, _EXP_OF_MINUS_EIGHTH)


def exp_of_negative(a: Int64, integer_bits: int) -> Int64:
    """exp(a) in Q0 for a <= 0 with at most 5 integer bits."""
    fractional_bits = 31 - integer_bits
    quarter = 1 << (fractional_bits - 2)
    fraction = (a & (quarter - 1)) - quarter  # within [-1/4, 0)
    result = _exp_between_minus_quarter_and_0(_saturating_left(fraction, integer_bits))
    remainder = fraction - a
    for k, factor in enumerate(_EXP_OF_MINUS_POWERS[: integer_bits + 2], start=-2):
        result = np.where(remainder & (1 << (fractional_bits + k)), _multiply(result, factor), result)
    return np.asarray(np.where(a == 0, ONE, result), np.int64)


def _reciprocal_of_half(x: Int64) -> Int64:
    """2 / (1 + x) in Q2 for x in Q0 from 0 to 1: three steps of Newton's method."""
    half_denominator = (x + ONE + 1) // 2
    guess = _48_OVER_17 + _multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        error = (1 << 29) - _multiply(half_denominator, guess)
        guess = guess + _saturating_left(_multiply(guess, error), 2)
    return guess


def one_over_one_plus(x: Int64) -> Int64:
    """1 / (1 + x) in Q0 for x in Q0 from 0 to 1."""
    return _saturating_left(_reciprocal_of_half(x), 1)


def one_minus_over_one_plus(x: Int64) -> Int64:
    """(1 - x) / (1 + x) in Q0 for x in Q0 from 0 to 1."""
    return _saturating_left(_reciprocal_of_half(x) - (1 << 29), 2)
