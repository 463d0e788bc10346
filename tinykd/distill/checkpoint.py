"""Training checkpoints: everything that the next epoch depends on, in one `.npz` without pickle, replaced atomically."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from tinykd.distill.weights import Arrays
from tinykd.run import write_atomically


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch measured. Losses are means over the epoch's steps; accuracies are fractions of 1."""

    stage: str
    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float
    seconds: float
    samples_per_second: float


@dataclass(frozen=True)
class Checkpoint:
    """The state after `len(history)` epochs.

    Attributes:
        key: Hash of the stage's inputs; a checkpoint of other inputs is never resumed.
        model: Values of the model's variables.
        optimizer: Values of the optimizer's variables.
        best: Values of the model's variables after the epoch with the best validation result.
        history: One record an epoch.
    """

    key: str
    model: Arrays
    optimizer: Arrays
    best: Arrays
    history: tuple[EpochRecord, ...]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Replace `path` by this checkpoint; a kill at any moment leaves the old one or the new one."""
    header = json.dumps({"key": checkpoint.key, "history": [asdict(record) for record in checkpoint.history]})
    arrays: dict[str, NDArray[Any]] = {"header": np.frombuffer(header.encode(), np.uint8)}
    for prefix, values in (("model", checkpoint.model), ("optimizer", checkpoint.optimizer), ("best", checkpoint.best)):
        arrays |= {f"{prefix}{index:05d}": value for index, value in enumerate(values)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path, key: str) -> Checkpoint | None:
    """The checkpoint at `path`, or None if there is none, it is damaged, or it belongs to other inputs than `key`."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            header = json.loads(archive["header"].tobytes().decode())
            if header["key"] != key:
                return None
            history = tuple(EpochRecord(**record) for record in header["history"])
            return Checkpoint(key, _group(archive, "model"), _group(archive, "optimizer"), _group(archive, "best"), history)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
        return None


def _group(archive: Any, prefix: str) -> Arrays:
    names: Sequence[str] = sorted(name for name in archive.files if name.startswith(prefix))
    return [archive[name] for name in names]
