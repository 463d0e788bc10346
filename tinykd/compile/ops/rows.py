"""Operators that treat each row of the last axis by itself: SOFTMAX, LOG_SOFTMAX, L2_NORMALIZATION."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class Rows:
    """A tensor as `rows` rows of `depth` elements."""

    shape: tuple[int, ...]

    @property
    def depth(self) -> int:
        return self.shape[-1]

    @property
    def rows(self) -> int:
        return math.prod(self.shape[:-1])
