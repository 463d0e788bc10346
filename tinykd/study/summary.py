"""Means and spreads over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from tinykd.study.rows import Row
from tinykd.study.treatments import Treatment


@dataclass(frozen=True)
class Spread:
    """Of one quantity over seeds.

    Attributes:
        mean: Arithmetic.
        deviation: Sample standard deviation, `sqrt(sum (x - mean)^2 / (n - 1))`; None for a single seed.
        values: One a seed, in the order of the seeds.
    """

    mean: float
    deviation: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """A point and a treatment over all its seeds."""

    point: str
    group: str
    treatment: str
    rows: tuple[Row, ...]

    def of(self, column: str) -> Spread | None:
        """Spread of a column; None where some row has no value."""
        values = [getattr(row, column) for row in self.rows]
        return None if any(value is None for value in values) else spread(values)


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(mean(values), stdev(values) if len(values) > 1 else None, tuple(values))


def entries(rows: Sequence[Row]) -> tuple[Entry, ...]:
    """Rows gathered over seeds, in the order in which point and treatment first appear."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.point, row.treatment), []).append(row)
    return tuple(
        Entry(point, some[0].group, treatment, tuple(sorted(some, key=lambda row: row.seed))) for (point, treatment), some in found.items()
    )


def impact(rows: Sequence[Row], treatment: Treatment, column: str = "accuracy") -> dict[str, Spread]:
    """What a treatment adds to what it is compared with, by point: differences of rows of the same seed.

    Points without a common seed are left out.
    """
    before = {(row.point, row.seed): row for row in rows if row.treatment == treatment.against}
    differences: dict[str, list[float]] = {}
    for row in rows:
        other = before.get((row.point, row.seed))
        if row.treatment == treatment.name and other is not None:
            differences.setdefault(row.point, []).append(getattr(row, column) - getattr(other, column))
    return {point: spread(values) for point, values in differences.items()}


def shown(found: Spread, scale: float = 1.0, digits: int = 2) -> str:
    """`mean ± deviation`, or the mean alone."""
    text = f"{scale * found.mean:.{digits}f}"
    return text if found.deviation is None else f"{text} ± {scale * found.deviation:.{digits}f}"
