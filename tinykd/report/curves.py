"""The training curves of a run, from `logs/STAGE.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from tinykd.errors import UsageError

ORDER = ("teacher", "baseline", "student", "quantize")
"""Stages as they follow one another; others come after them by name."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch measured; losses are means over its steps, accuracy a fraction."""

    epoch: int
    loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Curve:
    """One training."""

    stage: str
    epochs: tuple[Epoch, ...]

    @property
    def best(self) -> Epoch:
        """By validation accuracy, the later of equals: the one whose weights were kept."""
        return max(self.epochs, key=lambda one: (one.validation_accuracy, one.epoch))


def read_curves(run: Path) -> tuple[Curve, ...]:
    """Every training of the run in the folder `run`, in the order of the stages; empty where it keeps no logs.

    Raises:
        UsageError: a log is damaged.
    """
    found = [Curve(path.stem, _epochs(path)) for path in (run / "logs").glob("*.csv")]
    rank = {stage: k for k, stage in enumerate(ORDER)}
    return tuple(sorted((one for one in found if one.epochs), key=lambda one: (rank.get(one.stage, len(rank)), one.stage)))


def _epochs(path: Path) -> tuple[Epoch, ...]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return tuple(
                Epoch(int(row["epoch"]), float(row["loss"]), float(row["validation_loss"]), float(row["validation_accuracy"]))
                for row in csv.DictReader(file)
            )
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise UsageError(f"cannot read the training log {path}: {error}", "remove it: the report goes without its curve") from error
