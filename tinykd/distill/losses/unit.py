"""Vectors scaled to length 1, and what becomes of those without length.

The gradient of `x / ‖x‖` grows as `1 / ‖x‖`. A vector of zeros (a dead channel, a sample that excites nothing) stays zero
here and gets no gradient, where a square root gives NaN and a floor of 1e-12 under the length a gradient of 1e12.
"""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras

keras = _keras()

#: Shorter vectors count as zero.
SHORTEST = 1e-12


def unit(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """`x / ‖x‖` along `axis`; 0 where `x` is 0."""
    return x * inverse_length(keras.ops.sum(keras.ops.square(x), axis=axis, keepdims=True))


def inverse_length(squares: Any) -> Any:
    """`1 / ‖x‖` from `‖x‖^2`; 0 where `x` is 0."""
    alive = squares > SHORTEST**2
    return keras.ops.where(alive, keras.ops.rsqrt(keras.ops.where(alive, squares, 1.0)), 0.0)
