"""The confusion matrix of the int8 model on the test split, from the answers that a run keeps."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.errors import UsageError

PREDICTIONS = "predictions/int8.npz"
LABELS = "test_labels.npy"


@dataclass(frozen=True)
class Confusion:
    """Answers counted by true class and by predicted class.

    Attributes:
        names: of the classes.
        counts: samples, `[true][predicted]`.
    """

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def samples(self) -> int:
        return sum(map(sum, self.counts))

    @property
    def correct(self) -> int:
        return sum(row[k] for k, row in enumerate(self.counts))

    def recall(self, true: int) -> float | None:
        """The fraction of a class's samples that were recognised; None of a class without samples."""
        whole = sum(self.counts[true])
        return self.counts[true][true] / whole if whole else None

    def mistakes(self) -> list[tuple[int, int, int]]:
        """`(samples, true, predicted)` of every confusion that happened, most frequent first."""
        found = [(n, i, j) for i, row in enumerate(self.counts) for j, n in enumerate(row) if i != j and n]
        return sorted(found, key=lambda one: (-one[0], one[1], one[2]))


def confusion_of(answers: NDArray[Any], labels: NDArray[Any], names: Sequence[str]) -> Confusion:
    """Count.

    Args:
        answers: `[samples, classes]` logits or probabilities.
        labels: `[samples]` true classes.
        names: of the classes; their numbers where there is not one name for each.
    """
    classes = answers.shape[1]
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels.astype(np.int64), answers.argmax(axis=1)), 1)
    known = tuple(names) if len(names) == classes else tuple(map(str, range(classes)))
    return Confusion(known, tuple(tuple(int(n) for n in row) for row in counts))


def read_confusion(run: Path, names: Sequence[str]) -> Confusion | None:
    """The matrix of the run in the folder `run`; None where it keeps no answers, or they are no scores of classes.

    Raises:
        UsageError: a file is damaged, or the two do not belong together.
    """
    answers, labels = run / PREDICTIONS, run / LABELS
    if not answers.is_file() or not labels.is_file():
        return None
    try:
        with np.load(answers, allow_pickle=False) as archive:
            scores = archive["test"]
        truth = np.load(labels, allow_pickle=False)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"cannot read the answers in {run}: {error}", "tinykd distill with the same recipe makes them again") from error
    if scores.ndim != 2 or scores.shape[1] < 2:
        return None
    if (
        truth.shape != scores.shape[:1]
        or truth.dtype.kind not in "iu"
        or (truth.size and not 0 <= truth.min() <= truth.max() < scores.shape[1])
    ):
        raise UsageError(f"{labels} does not belong to {answers}", "tinykd distill with the same recipe makes both again")
    return confusion_of(scores, truth, names)
