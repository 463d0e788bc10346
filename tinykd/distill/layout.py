"""Where channels stand in a teacher's maps: other frameworks, and some Keras teachers, put them before height and width."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import NDArray

Layout = Literal["channels_last", "channels_first"]


def channels_last(features: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Maps `[samples, height, width, channels]`, whatever their layout was; vectors as they are."""
    return features.transpose(0, 2, 3, 1) if layout == "channels_first" and features.ndim == 4 else features


def channels_first(x: NDArray[Any]) -> NDArray[Any]:
    """Inputs `[samples, height, width, channels]` as `[samples, channels, height, width]`."""
    turned: NDArray[Any] = x.transpose(0, 3, 1, 2)
    return turned


def shape_channels_last(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """The shape of one sample's feature, channels last."""
    return (*shape[1:], shape[0]) if layout == "channels_first" and len(shape) == 3 else shape
