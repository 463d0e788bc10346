"""A labelled data set, ready to train on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Split:
    """Samples and labels.

    Args:
        x: float32 [samples, *features], exactly what the deployed net sees before quantization.
        y: int64 [samples], in [0, classes).
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three disjoint splits of one source.

    Args:
        name: As in the recipe.
        train: Samples to learn from, without augmentation.
        validation: Samples to choose by.
        test: Samples to report on.
        class_names: One name a class, in the order of the labels.
        content_hash: SHA-256 (hex) of every array and of the preprocessing; keys whatever is computed from the data.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...]
    content_hash: str

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample, without the batch axis."""
        return tuple(self.train.x.shape[1:])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def content_hash(splits: dict[str, Split], preprocessing: str) -> str:
    """SHA-256 (hex) over the splits' names, shapes and values, and a description of the preprocessing."""
    digest = hashlib.sha256(preprocessing.encode())
    for name, split in splits.items():
        for array in (split.x, split.y):
            digest.update(f"\0{name} {array.dtype.str} {array.shape}\0".encode())
            # Little-endian bytes, so that every machine gets the same hash.
            digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()
