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


_LOG_2, _HALF_ROOT_2, _QUARTER_POWER_OF_HALF = 1488522236, 1518500250, 1805811301
"""log(2), sqrt(1/2) and its root in Q0."""

_ALPHA_N, _ALPHA_D, _ALPHA_I, _ALPHA_F = 117049297, 127690142, 1057819769, 638450708
"""Coefficients of the rational function that approximates log, in Q0."""


def _leading_zeros(x: Int64) -> Int64:
    """Of 32 bits, for x > 0."""
    return np.asarray(31 - np.floor(np.log2(x.astype(np.float64))), np.int64)


def _shifted(x: Int64, bits: Int64) -> Int64:
    left = np.maximum(bits, 0)
    return np.asarray(np.clip(x << left, INT32_MIN, INT32_MAX), np.int64)


def log_of_sum(x: Int64) -> Int64:
    """log(x) in Q5 for x >= 1 in Q12. Source: LiteRT `log_x_for_x_greater_than_or_equal_to_1_impl`."""
    quarter = 1 << 23  # in Q6
    zeros = _leading_zeros(x)
    r_a = _saturating_left(_multiply(_shifted(x, zeros - 1), _HALF_ROOT_2), 1)
    exponent_a = np.minimum(_shifted(12 - zeros, np.int64(25)) + quarter, INT32_MAX)
    zeros_b = _leading_zeros(_multiply(x, _HALF_ROOT_2)) - 1
    exponent_b = np.maximum(_shifted(12 - zeros_b, np.int64(25)) - quarter, INT32_MIN)
    r, exponent = np.minimum(r_a, _shifted(x, zeros_b)), np.maximum(exponent_a, exponent_b)
    p = (r + _QUARTER_POWER_OF_HALF + 1) // 2
    q = 2 * (r - _QUARTER_POWER_OF_HALF)
    square = _multiply(q, q)
    numerator = _multiply(q, r) + _multiply(_multiply(q, square), _ALPHA_N)
    denominator = _multiply(p, _ALPHA_I + q + _multiply(square, _ALPHA_D)) + _multiply(q, _ALPHA_F)
    ratio = _multiply(rounding_shift_right(numerator, np.int64(6)), one_over_one_plus(denominator))
    return _saturating_left(_multiply(exponent, _LOG_2) + ratio, 1)
