"""Activation ranges from calibration samples: extremes, percentiles, or least squared error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tinykd.quantize.native.network import CALIBRATION, QuantizedNetwork
from tinykd.recipe.model import Quantize

#: Samples in one measured batch.
BATCH_SAMPLES = 128

#: Values of a tensor that are kept from one batch.
KEPT = 1 << 15


@dataclass(frozen=True, eq=False)
class Observed:
    """What a grid's values were.

    Attributes:
        lows, highs: Extremes of each batch.
        values: Some of the values.
    """

    lows: NDArray[np.float32]
    highs: NDArray[np.float32]
    values: NDArray[np.float32]


Span = tuple[float, float]
"""The ends of a range."""


def min_max(observed: Observed) -> Span:
    """The mean of the batches' extremes, which one outlier cannot stretch far."""
    return float(observed.lows.mean()), float(observed.highs.mean())


def percentile(observed: Observed, percent: float) -> Span:
    """The values that `percent` % of all values are above, and below; at most the extremes' mean."""
    low, high = np.percentile(observed.values, [100.0 - percent, percent])
    least, most = min_max(observed)
    return max(float(low), least), min(float(high), most)


def least_squares(observed: Observed) -> Span:
    """The range with the least mean squared error of rounding and clipping: both ends drawn in together, then each by itself."""
    x = observed.values.astype(np.float64)
    low, high = min(float(observed.lows.min()), 0.0), max(float(observed.highs.max()), 0.0)

    def error(factors: tuple[float, float]) -> float:
        least, most = low * factors[0], high * factors[1]
        step = max(most - least, 1e-12) / 255
        rounded = np.clip(np.round((x - least) / step), 0, 255) * step + least
        return float(np.mean((rounded - x) ** 2))

    shrunk = np.linspace(0.05, 1.0, 39)
    both = min(shrunk, key=lambda factor: error((factor, factor)))
    first = min(shrunk, key=lambda factor: error((factor, both)))
    second = min(shrunk, key=lambda factor: error((first, factor)))
    return low * float(first), high * float(second)


CALIBRATIONS: dict[str, Callable[[Quantize], Callable[[Observed], Span]]] = {
    "min-max": lambda _: min_max,
    "percentile": lambda settings: partial(percentile, percent=settings.percentile),
    "mse": lambda _: least_squares,
}
"""By the recipe's name."""


def observe(network: QuantizedNetwork, x: NDArray[np.float32]) -> list[Observed]:
    """What each grid's values are on `x` `[samples, ...]`, kernels rounded and activations not; by grid."""
    placement = network.placement
    batches = max(1, len(x) // BATCH_SAMPLES)
    draws = np.random.default_rng(0)
    order = draws.permutation(len(x))
    lows: list[list[float]] = [[] for _ in network.ranges]
    highs: list[list[float]] = [[] for _ in network.ranges]
    kept: list[list[NDArray[np.float32]]] = [[] for _ in network.ranges]
    for number in range(batches):
        values = network.run(x[order[number::batches]], CALIBRATION)
        for grid, owners in enumerate(placement.owners):
            owned = [np.asarray(values[owner], np.float32).ravel() for owner in owners]
            lows[grid].append(min(float(each.min()) for each in owned))
            highs[grid].append(max(float(each.max()) for each in owned))
            # Drawn, not every n-th: a step that shares a factor with the channels would see some of them only.
            kept[grid] += [each[draws.integers(0, each.size, min(each.size, KEPT // len(owned)))] for each in owned]
    return [Observed(np.array(low), np.array(high), np.concatenate(some)) for low, high, some in zip(lows, highs, kept, strict=True)]


def calibrate(network: QuantizedNetwork, x: NDArray[np.float32], settings: Quantize) -> None:
    """Set every range that can move, from `x` `[samples, ...]`."""
    span = CALIBRATIONS[settings.calibration](settings)
    for one, observed in zip(network.ranges, observe(network, x), strict=True):
        one.set(*span(observed))
