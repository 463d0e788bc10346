"""Deterministic views of the training inputs.

View `v` of sample `i` depends on (seed, v, i) and nothing else, so a view can be made again at any time, in any process:
that is what lets teacher outputs be stored for augmented inputs, and a killed training resume to the same result.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykd.recipe.model import Augment

#: Samples augmented with one random generator. Part of what defines a view: changing it changes every view.
CHUNK_SAMPLES = 1024


def generator(seed: int, purpose: str, *indices: int) -> np.random.Generator:
    """A random generator that depends on these arguments alone."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *indices])


@dataclass(frozen=True)
class Views:
    """Augmented views of `x`.

    Attributes:
        x: Plain inputs, float32 `[samples, ...]`.
        augment: Which random changes; all zero means that every view is `x` itself.
        seed: Of the run.
        count: Number of distinct views that epochs cycle through; 0 means a new one every epoch.
        purpose: Names the stream of random numbers: stages with the same purpose see the same views.
    """

    x: NDArray[np.float32]
    augment: Augment
    seed: int
    count: int
    purpose: str

    @property
    def augmented(self) -> bool:
        """Whether views differ from the plain inputs."""
        return self.augment != Augment()

    def index(self, epoch: int) -> int:
        """Which view epoch `epoch` (from 0) trains on."""
        return epoch % self.count if self.count else epoch

    def view(self, index: int) -> NDArray[np.float32]:
        """View `index` of every sample, float32 `[samples, ...]`."""
        if not self.augmented:
            return self.x
        from tinykd.data.augment import augment

        view = np.empty_like(self.x)
        for chunk, start in enumerate(range(0, len(self.x), CHUNK_SAMPLES)):
            part = slice(start, start + CHUNK_SAMPLES)
            view[part] = augment(self.x[part], self.augment, generator(self.seed, self.purpose, index, chunk))
        return view
