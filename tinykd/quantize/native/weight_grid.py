"""The integers that weights become, by the number of bits; and the steps that they begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.recipe.model import WeightBits


@dataclass(frozen=True)
class WeightGrid:
    """Integers `-largest, -largest + spacing, ..., largest`, symmetric, each times a channel's step.

    Attributes:
        bits: Of one weight: the logarithm of the number of integers, of 8 and 4 bits without the least one.
        largest: `Qp`.
        spacing: Between neighbours.
    """

    bits: float
    largest: int
    spacing: int = 1

    def nearest(self, steps: Any, rounding: Callable[[Any], Any]) -> Any:
        """Weights in steps to the nearest integers, not yet clipped; `rounding` to whole numbers, half to even."""
        offset = self.largest % self.spacing
        return rounding((steps - offset) / self.spacing) * self.spacing + offset


def uniform(bits: int) -> WeightGrid:
    """All integers of so many bits, but the least."""
    return WeightGrid(bits, 2 ** (bits - 1) - 1)


INT8 = uniform(8)

GRIDS: Mapping[WeightBits, WeightGrid] = {
    8: INT8,
    4: uniform(4),
    2: WeightGrid(2, 3, 2),
    "ternary": WeightGrid(round(float(np.log2(3)), 2), 1),
}
"""By the recipe's name.

Two bits are -3, -1, 1, 3, which are nearer to weights around zero than the -2, -1, 0, 1 of two's complement (mean squared error
of a normal distribution 0.119 beside 0.150 of its variance, each at its best step). Ternary weights (Li 2016) are -1, 0, 1.
"""


def least_squares_steps(weights: NDArray[np.float32], axes: tuple[int, ...], grid: WeightGrid) -> NDArray[np.float32]:
    """The steps with the least squared error of rounding and clipping, of 60 candidates up to the channel's largest weight.

    Args:
        weights: A kernel.
        axes: That share a step.
        grid: Of the weights.

    Returns:
        In the kernel's shape with 1 along `axes`.
    """
    whole = np.abs(weights).max(axis=axes, keepdims=True) / grid.largest
    best, least = whole, np.full(whole.shape, np.inf)
    for factor in np.linspace(1.0, 0.05, 60):
        steps = np.maximum(whole * factor, np.float32(1e-12))
        rounded = steps * np.clip(grid.nearest(weights / steps, np.round), -grid.largest, grid.largest)
        error = np.square(weights - rounded).sum(axis=axes, keepdims=True)
        best, least = np.where(error < least, steps, best), np.minimum(error, least)
    return np.asarray(best, np.float32)
