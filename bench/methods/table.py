"""Results as a table, CSV and a picture."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from task import LABELS


@dataclass(frozen=True)
class Row:
    """Means over seeds, deviations of the samples.

    Attributes:
        name: A loss, losses with +, a scheme, or labels.
        seeds: How many.
        accuracy: Top-1, percent of the test split.
        deviation: Of accuracy between seeds, points.
        gain: Accuracy less that of labels, points.
        agreement: With the teacher, percent of the test split.
        kl: Mean KL of the teacher's probabilities to the student's, nats.
        teacher: Its accuracy, percent.
        step_cost: Of a training step, over that of labels; where it was measured.
        training_cost: Processor time of all that was trained, over that of labels; None where nobody timed it.
    """

    name: str
    seeds: int
    accuracy: float
    deviation: float
    gain: float
    agreement: float
    kl: float
    teacher: float
    step_cost: float | None
    training_cost: float | None


def rows(out: Path, steps: Mapping[str, float]) -> list[Row]:
    """The best first.

    Args:
        out: The folder of results.
        steps: Costs of a step by the name of the loss.
    """
    results: dict[str, list[dict[str, float]]] = {}
    for file in sorted((out / "results").glob("*.json")):
        values = json.loads(file.read_text())
        results.setdefault(values["name"], []).append(values)
    if LABELS not in results:
        return []
    floor = _seconds(results[LABELS])
    labels = statistics.mean(value["accuracy"] for value in results[LABELS])

    def row(name: str, values: list[dict[str, float]]) -> Row:
        accuracies = [100 * value["accuracy"] for value in values]
        return Row(
            name,
            len(values),
            round(statistics.mean(accuracies), 2),
            round(statistics.stdev(accuracies), 2) if len(values) > 1 else 0.0,
            round(statistics.mean(accuracies) - 100 * labels, 2),
            round(100 * statistics.mean(value["agreement"] for value in values), 2),
            round(statistics.mean(value["kl"] for value in values), 3),
            round(100 * statistics.mean(value["teacher_accuracy"] for value in values), 2),
            steps.get(name),
            round(seconds / floor, 2) if floor and (seconds := _seconds(values)) else None,
        )

    return sorted((row(name, values) for name, values in results.items()), key=lambda each: -each.accuracy)


def write_table(out: Path, target: Path | None, steps: Path | None) -> None:
    """With `target` write `TARGET.csv` and `TARGET.svg`, then print the table; `steps` is what `bench/distillation_step.py` wrote."""
    table = rows(out, _step_costs(steps) if steps else {})
    if target is not None and table:
        _write(table, target)
    print(f"{'method':<28}{'seeds':>6}{'accuracy':>10}{'gain':>8}{'agrees':>8}{'KL':>7}{'step':>6}{'training':>9}")
    for row in table:
        step, training = (f"{cost:.2f}" if cost else "-" for cost in (row.step_cost, row.training_cost))
        print(
            f"{row.name:<28}{row.seeds:>6}{row.accuracy:>7.2f} ±{row.deviation:<4.2f}{row.gain:>+6.2f}{row.agreement:>8.2f}{row.kl:>7.3f}"
            f"{step:>6}{training:>9}"
        )


def _write(table: list[Row], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in table)
    _picture(table, target.with_suffix(".svg"))


def _seconds(values: list[dict[str, float]]) -> float | None:
    timed = [value["seconds"] for value in values if "seconds" in value]
    return statistics.median(timed) if timed else None


def _step_costs(file: Path) -> dict[str, float]:
    with file.open(newline="") as stream:
        return {LABELS: 1.0, **{row["loss"]: round(float(row["ratio"]), 2) for row in csv.DictReader(stream)}}


def _picture(table: list[Row], file: Path) -> None:
    """Gain over labels with the seeds' deviation, best on top; the lines are labels and plain kd."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tinykd"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 0.22 * len(table) + 1))
    names = [row.name for row in reversed(table)]
    colours = ["#888888" if row.name == LABELS else "#c44e52" if row.name == "kd" else "#4c72b0" for row in reversed(table)]
    gains, deviations = [row.gain for row in reversed(table)], [row.deviation for row in reversed(table)]
    axes.barh(names, gains, xerr=deviations, color=colours, ecolor="#333333")
    axes.axvline(0, color="#888888", linewidth=0.8)
    axes.axvline(next((row.gain for row in table if row.name == "kd"), 0), color="#c44e52", linewidth=0.8, linestyle="--")
    axes.set_xlabel("test accuracy less that of labels alone, points (mean and deviation over seeds)")
    axes.tick_params(axis="y", labelsize=7)
    axes.margins(y=0.01)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
