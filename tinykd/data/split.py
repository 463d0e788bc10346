"""Stratified splits: each class gives the same share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


def stratified(y: npt.NDArray[np.int64], fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Indices of the samples to keep and of those held out, each ascending.

    Each class gives round(fraction * its samples), but at least one and never its last one; a class of one sample
    is kept whole. The same labels, fraction and seed give the same indices on every machine.

    Args:
        y: [samples], class numbers.
        fraction: In (0, 1), held out.
        seed: Of the random choice.
    """
    generator = np.random.default_rng(seed)
    held = []
    for label in np.unique(y):
        members = generator.permutation(np.flatnonzero(y == label))
        count = min(max(1, round(fraction * len(members))), len(members) - 1)
        held.append(members[:count])
    out = np.sort(np.concatenate(held)).astype(np.int64)
    kept = np.setdiff1d(np.arange(len(y), dtype=np.int64), out, assume_unique=True)
    return kept, out
