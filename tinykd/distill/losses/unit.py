"""Vectors scaled to length 1."""

from __future__ import annotations

from typing import Any

from tinykd.distill.keras_modules import keras as _keras

keras = _keras()

#: Shorter vectors are not scaled to 1: a dead channel stays 0.
SHORTEST = 1e-12


def unit(x: Any, axis: int | tuple[int, ...] = -1) -> Any:
    """`x / max(‖x‖, 1e-12)` along `axis`. A zero vector stays zero and has a finite gradient, unlike after a square root of 0."""
    squares = keras.ops.sum(keras.ops.square(x), axis=axis, keepdims=True)
    return x * keras.ops.rsqrt(keras.ops.maximum(squares, SHORTEST**2))
