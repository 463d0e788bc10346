"""How one array of teacher outputs lies on disk: as it is, in half precision, or the largest logits of each sample alone.

    NAME.npy            [views, samples, ...]           float32 or float16

or, of logits `[views, samples, classes]` with `top` = k (as FKD stores them: Shen and Xing 2022, "A Fast Knowledge Distillation
Framework for Visual Recognition", section 3.3, marginal smoothing):

    NAME.values.npy     [views, samples, k]             the k largest, float32 or float16
    NAME.classes.npy    [views, samples, k]             uint16, whose they are
    NAME.rest.npy       [views, samples]                the one logit that every other class is read back with
    NAME.count.npy      []                              number of classes

The rest keeps the exponentials' sum, so the probabilities of the k classes at temperature 1 are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykd.errors import UnsupportedModel

Indices = NDArray[np.int64]


class StoredArray(Protocol):
    """Teacher outputs of one name for every view of every training sample."""

    @property
    def shape(self) -> tuple[int, ...]:
        """`(views, samples, ...)`."""
        ...

    def rows(self, view: int, index: Indices) -> NDArray[Any]:
        """Outputs `[len(index), ...]`, float32 or float16, of the samples at `index` under view `view`."""
        ...

    def view(self, view: int) -> NDArray[Any]:
        """Outputs `[samples, ...]` of every sample under view `view`, perhaps memory-mapped."""
        ...


class Writer(Protocol):
    """Fills a stored array."""

    def write(self, view: int, start: int, outputs: NDArray[np.float32]) -> None:
        """Outputs of consecutive samples from `start`."""
        ...

    def flush(self) -> None:
        """Everything is written."""
        ...


@dataclass(frozen=True)
class Form:
    """How values are stored.

    Attributes:
        dtype: Of values.
        top: Largest logits kept; 0 keeps all.
    """

    dtype: Literal["float32", "float16"] = "float32"
    top: int = 0

    def described(self) -> dict[str, Any]:
        """For keys and indices."""
        return {"dtype": self.dtype, "top": self.top}

    def create(self, folder: Path, name: str, shape: tuple[int, ...]) -> Writer:
        """Files for an array of this shape, `(views, samples, ...)`."""
        if self.top and self.top < shape[-1]:
            values = _create(folder / f"{name}.values.npy", self.dtype, (*shape[:2], self.top))
            classes = _create(folder / f"{name}.classes.npy", "uint16", (*shape[:2], self.top))
            rest = _create(folder / f"{name}.rest.npy", "float32", shape[:2])
            np.save(folder / f"{name}.count.npy", np.int64(shape[-1]), allow_pickle=False)
            return TopWriter(values, classes, rest)
        return WholeWriter(_create(folder / f"{name}.npy", self.dtype, shape))

    def read(self, folder: Path, name: str) -> StoredArray:
        """The array, memory-mapped."""
        if (folder / f"{name}.npy").exists():
            return Whole(_map(folder / f"{name}.npy"))
        values, classes, rest = (_map(folder / f"{name}.{part}.npy") for part in ("values", "classes", "rest"))
        return Top(values, classes, rest, int(np.load(folder / f"{name}.count.npy", allow_pickle=False)))


@dataclass(frozen=True)
class Whole:
    """Every value. `values`: `[views, samples, ...]`."""

    values: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """See `StoredArray`."""
        return tuple(self.values.shape)

    def rows(self, view: int, index: Indices) -> NDArray[Any]:
        """See `StoredArray`."""
        return self.view(view)[index]

    def view(self, view: int) -> NDArray[Any]:
        """See `StoredArray`."""
        every: NDArray[Any] = self.values[view]
        return every


@dataclass(frozen=True)
class Top:
    """The largest logits of each sample; see the head of this file for the shapes."""

    values: NDArray[Any]
    classes: NDArray[np.uint16]
    rest: NDArray[np.float32]
    count: int

    @property
    def shape(self) -> tuple[int, ...]:
        """See `StoredArray`."""
        return (*self.rest.shape, self.count)

    def rows(self, view: int, index: Indices) -> NDArray[Any]:
        """See `StoredArray`."""
        logits = np.repeat(self.rest[view][index][:, np.newaxis], self.count, axis=1)
        np.put_along_axis(logits, self.classes[view][index].astype(np.int64), self.values[view][index].astype(np.float32), axis=1)
        return logits

    def view(self, view: int) -> NDArray[Any]:
        """See `StoredArray`."""
        return self.rows(view, np.arange(self.shape[1]))


@dataclass(frozen=True)
class WholeWriter:
    """See `Writer`."""

    values: NDArray[Any]

    def write(self, view: int, start: int, outputs: NDArray[np.float32]) -> None:
        """See `Writer`."""
        self.values[view, start : start + len(outputs)] = _as(self.values.dtype, outputs)

    def flush(self) -> None:
        """See `Writer`."""
        _flush(self.values)


@dataclass(frozen=True)
class TopWriter:
    """See `Writer`."""

    values: NDArray[Any]
    classes: NDArray[Any]
    rest: NDArray[Any]

    def write(self, view: int, start: int, outputs: NDArray[np.float32]) -> None:
        """See `Writer`."""
        part = slice(start, start + len(outputs))
        top = self.values.shape[-1]
        order = np.argsort(-outputs, axis=1, kind="stable")
        kept, others = order[:, :top], np.take_along_axis(outputs, order[:, top:], axis=1).astype(np.float64)
        self.values[view, part] = _as(self.values.dtype, np.take_along_axis(outputs, kept, axis=1))
        self.classes[view, part] = kept
        largest = others.max(axis=1)
        self.rest[view, part] = largest + np.log(np.exp(others - largest[:, np.newaxis]).mean(axis=1))

    def flush(self) -> None:
        """See `Writer`."""
        for array in (self.values, self.classes, self.rest):
            _flush(array)


def _as(dtype: np.dtype[Any], outputs: NDArray[np.float32]) -> NDArray[Any]:
    largest = float(np.abs(outputs).max(initial=0.0))
    if largest > float(np.finfo(dtype).max):
        raise UnsupportedModel(f"a teacher output of {largest:g} is too large for {dtype}", 'set distill.stored_dtype = "float32"')
    return outputs.astype(dtype)


def _create(path: Path, dtype: str, shape: tuple[int, ...]) -> Any:
    if 0 in shape:  # nothing to map
        np.save(path, np.empty(shape, dtype), allow_pickle=False)
        return np.empty(shape, dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def _flush(array: Any) -> None:
    if isinstance(array, np.memmap):
        array.flush()


def _map(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
