"""A network that makes inputs from noise, in any form of sample."""

from __future__ import annotations

import math
from typing import Any

from tinykd.distill.keras_modules import keras as _keras

#: Channels of the generator's two convolutions; units of its hidden layer for samples that are vectors.
WIDTHS = (64, 32)
HIDDEN = 256


def generator_network(latent: int, shape: tuple[int, ...], low: float, high: float) -> Any:
    """Noise `[batch, latent]` -> inputs `[batch, *shape]` in (low, high); the generator of DAFL for maps, dense for the rest.

    Args:
        latent: Width of the noise.
        shape: Of one input: (height, width, channels), or any other.
        low, high: Range of its values.
    """
    keras = _keras()
    noise = keras.Input((latent,), name="noise")
    raw = _maps(noise, shape) if len(shape) == 3 else _vectors(noise, shape)
    return keras.Model(noise, keras.layers.Rescaling(high - low, offset=low)(keras.ops.sigmoid(raw)), name="generator")


def _maps(noise: Any, shape: tuple[int, ...]) -> Any:
    """Twice doubled from a quarter of the size, then cut to it."""
    keras = _keras()
    layers = keras.layers
    height, width, channels = shape
    rows, columns = math.ceil(height / 4), math.ceil(width / 4)
    x = layers.Reshape((rows, columns, WIDTHS[0]))(layers.Dense(rows * columns * WIDTHS[0])(noise))
    x = layers.BatchNormalization()(x)
    for filters in WIDTHS:
        x = layers.UpSampling2D()(x)
        x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))
    x = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(x))
    return x[:, :height, :width, :]


def _vectors(noise: Any, shape: tuple[int, ...]) -> Any:
    layers = _keras().layers
    x = layers.LeakyReLU(0.2)(layers.BatchNormalization()(layers.Dense(HIDDEN)(noise)))
    return layers.Reshape(shape)(layers.BatchNormalization()(layers.Dense(math.prod(shape))(x)))
