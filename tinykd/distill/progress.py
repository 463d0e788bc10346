"""Progress of a training: a live bar on a terminal, one plain line an epoch elsewhere, nothing when asked for quiet."""

from __future__ import annotations

from typing import Literal, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from tinykd.distill.checkpoint import EpochRecord


class TrainingProgress(Protocol):
    """What a training tells whoever watches."""

    def note(self, text: str) -> None:
        """A sentence about what happens now."""
        ...

    def start(self, stage: str, epochs_done: int, epochs: int, steps_per_epoch: int) -> None:
        """A training begins, or resumes after `epochs_done` epochs."""
        ...

    def step(self) -> None:
        """One training step is done."""
        ...

    def epoch(self, record: EpochRecord) -> None:
        """An epoch is done and checkpointed."""
        ...

    def stop(self) -> None:
        """The training is over or was interrupted."""
        ...


class QuietProgress:
    """Says nothing."""

    def note(self, text: str) -> None:
        """See `TrainingProgress`."""

    def start(self, stage: str, epochs_done: int, epochs: int, steps_per_epoch: int) -> None:
        """See `TrainingProgress`."""

    def step(self) -> None:
        """See `TrainingProgress`."""

    def epoch(self, record: EpochRecord) -> None:
        """See `TrainingProgress`."""

    def stop(self) -> None:
        """See `TrainingProgress`."""


class LineProgress(QuietProgress):
    """At most twenty plain lines a training: for log files and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._epochs = 0
        self._seconds = 0.0
        self._seen = 0

    def note(self, text: str) -> None:
        """See `TrainingProgress`."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, stage: str, epochs_done: int, epochs: int, steps_per_epoch: int) -> None:
        """See `TrainingProgress`."""
        self._epochs, self._seconds, self._seen = epochs, 0.0, 0
        resumed = f", resumed after epoch {epochs_done}" if epochs_done else ""
        self.note(f"{stage}: {epochs} epochs of {steps_per_epoch} steps{resumed}")

    def epoch(self, record: EpochRecord) -> None:
        """See `TrainingProgress`."""
        self._seconds += record.seconds
        self._seen += 1
        if record.epoch % max(1, self._epochs // 20) and record.epoch != self._epochs:
            return
        left = self._seconds / self._seen * (self._epochs - record.epoch)
        self.note(f"{describe(record, self._epochs)}, {left:.0f} s left")


class BarProgress(QuietProgress):
    """A bar with samples per second, validation accuracy and time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._epochs = 0

    def note(self, text: str) -> None:
        """See `TrainingProgress`."""
        self._console.print(text, markup=False, highlight=False)

    def start(self, stage: str, epochs_done: int, epochs: int, steps_per_epoch: int) -> None:
        """See `TrainingProgress`."""
        self._epochs = epochs
        self._progress = Progress(
            TextColumn("{task.description:9}"), BarColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn(), console=self._console
        )
        self._task = self._progress.add_task(stage, total=epochs * steps_per_epoch, completed=epochs_done * steps_per_epoch, text="")
        self._progress.start()

    def step(self) -> None:
        """See `TrainingProgress`."""
        if self._progress:
            self._progress.advance(self._task)

    def epoch(self, record: EpochRecord) -> None:
        """See `TrainingProgress`."""
        if self._progress:
            text = f"{record.epoch}/{self._epochs} val {100 * record.validation_accuracy:.2f} % {record.samples_per_second:.0f} samples/s"
            self._progress.update(self._task, text=text)

    def stop(self) -> None:
        """See `TrainingProgress`."""
        if self._progress:
            self._progress.stop()
            self._progress = None


def describe(record: EpochRecord, epochs: int) -> str:
    """One line about one epoch."""
    return (
        f"{record.stage} {record.epoch}/{epochs}: loss {record.loss:.4f}, validation {100 * record.validation_accuracy:.2f} %, "
        f"{record.samples_per_second:.0f} samples/s"
    )


def progress_on(how: Literal["auto", "quiet"]) -> TrainingProgress:
    """Who to tell: a bar if standard error is a terminal, else plain lines there; or nobody."""
    if how == "quiet":
        return QuietProgress()
    console = Console(stderr=True)
    return BarProgress(console) if console.is_terminal else LineProgress(console)
