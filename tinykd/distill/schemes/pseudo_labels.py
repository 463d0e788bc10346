"""The teacher labels unlabelled or synthetic inputs: Bucila, Caruana and Niculescu-Mizil 2006, "Model Compression"."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykd.data.archive import read_npz, require
from tinykd.distill.schemes.on_inputs import OnInputs
from tinykd.errors import DataError
from tinykd.run import file_hash

#: Distances computed at once.
CHUNK_SAMPLES = 512


class PseudoLabels(OnInputs):
    """The student never sees a labelled sample."""

    def inputs(self) -> NDArray[np.float32]:
        """From the recipe's file, or by `munge` of the training split."""
        section = self.section
        if section.path is None:
            rng = np.random.default_rng([self.recipe.seed, 2006])
            return munge(self.data.train.x, section.copies, section.swap, section.local_variance, rng)
        path = Path(section.path).expanduser()
        arrays = read_npz(path, ("x",))
        require(arrays, ("x",), path)
        x = arrays["x"]
        scaled = x.astype(np.float32) / np.float32(255) if x.dtype == np.uint8 else x.astype(np.float32)
        if scaled.shape[1:] != self.data.input_shape:
            raise DataError(
                f"{path}: inputs have shape {list(scaled.shape[1:])}, the data's {list(self.data.input_shape)}",
                "store unlabelled inputs in the form of the data",
            )
        return scaled

    @property
    def inputs_depend_on(self) -> dict[str, str]:
        """The file of unlabelled inputs."""
        return {"file": file_hash(Path(self.section.path).expanduser())} if self.section.path else {}


def munge(x: NDArray[np.float32], copies: int, swap: float, local_variance: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Synthetic samples near the distribution of `x`: MUNGE (Bucila 2006, algorithm 1).

    Each sample `e` meets its nearest neighbour `e'`. With probability `swap` a feature `a` of both is redrawn: `e_a` from
    `N(e'_a, sd)` and `e'_a` from `N(e_a, sd)`, `sd = |e_a - e'_a| / local_variance`. Both change in place, so that later samples
    meet them as they have become. Values stay within the data's range.

    Args:
        x: `[samples, ...]`.
        copies: Passes over the samples, each starting from `x`.
        swap: p.
        local_variance: s.
        rng: Of all draws.

    Returns:
        float32 `[copies * samples, ...]`.
    """
    flat = x.reshape(len(x), -1)
    nearest = neighbours(flat)
    low, high = flat.min(axis=0), flat.max(axis=0)
    made = []
    for _ in range(copies):
        copy = flat.copy()
        for sample, neighbour in enumerate(nearest):
            chosen = np.flatnonzero(rng.random(flat.shape[1]) < swap)
            mine, theirs = copy[sample, chosen], copy[neighbour, chosen]
            deviation = np.abs(mine - theirs) / local_variance
            copy[sample, chosen] = rng.normal(theirs, deviation)
            copy[neighbour, chosen] = rng.normal(mine, deviation)
        made.append(np.clip(copy, low, high))
    return np.concatenate(made).reshape(-1, *x.shape[1:]).astype(np.float32)


def neighbours(flat: NDArray[np.float32]) -> NDArray[np.int64]:
    """Index of each row's nearest other row, Euclidean, `[samples]`."""
    squares = np.sum(flat**2, axis=1)
    found = []
    for start in range(0, len(flat), CHUNK_SAMPLES):
        part = flat[start : start + CHUNK_SAMPLES]
        distances = squares[None, :] - 2.0 * part @ flat.T
        distances[np.arange(len(part)), start + np.arange(len(part))] = np.inf
        found.append(distances.argmin(axis=1))
    return np.concatenate(found).astype(np.int64)
