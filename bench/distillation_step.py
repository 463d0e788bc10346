"""What a distillation step costs beside a label-only step of the same student: every loss with stored teacher outputs, and a live teacher.

Both sides run the trainer's own compiled step and its own batches, one step of each in turn, so that whatever else the machine does
hits both alike. Prints the medians, the least times and the median of the ratios of steps taken one right after the other.

    python bench/distillation_step.py [--steps 100] [--batch 128] [--losses kd,hint,attention] [--live] [--csv FILE]
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tinykd import nets
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.lessons import LabelLessons, LiveLessons, StoredLessons
from tinykd.distill.objective import Objective, distillation_objective
from tinykd.distill.optimizers import build_optimizer
from tinykd.distill.seeds import seed_everything
from tinykd.distill.stored_array import Form
from tinykd.distill.teacher import Teacher, keras_network
from tinykd.distill.teacher_outputs import Source, open_stores
from tinykd.distill.trainer import EpochInputs, compile_step, trained_variables
from tinykd.distill.views import Views
from tinykd.recipe.losses import SECTIONS
from tinykd.recipe.model import Augment, Distill, Training

SHAPE, CLASSES, SAMPLES = (28, 28, 1), 10, 2048
TARGETS = {"logits": 1.10, "features": 1.35}
WARM = 5
"""First steps, which trace and warm up."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--losses", default=",".join(SECTIONS))
    parser.add_argument("--live", action="store_true", help="also measure kd with a live teacher")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()

    seed_everything(0, "bench")
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, *SHAPE), dtype=np.float32)
    labels = rng.integers(0, CLASSES, SAMPLES)
    teacher = Teacher(keras_network(nets.build("resnet8", keras3(), SHAPE, CLASSES)), "logits", CLASSES, "bench")
    views = Views(x, Augment(), 0, 0, "views")
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.losses.split(","):
            student = _student()
            objective = distillation_objective(Distill(losses=(SECTIONS[name](),)), student, teacher.layers, SAMPLES, teacher.network.model)
            outputs = open_stores(
                Path(folder), {}, objective.teacher_layers, Form(), lambda: Source(teacher.reader, [lambda: x], x[:1], x[:1])
            )
            for term in objective.terms:
                term.loss.prepare([outputs.train[theirs].view(0)[:256] for _, theirs in term.pairs])  # type: ignore[attr-defined]
            sides = {
                "labels": _step(_student(), LabelLessons(views).epoch(0), Objective(), labels, arguments.batch),
                name: _step(student, StoredLessons(views, outputs.train).epoch(0), objective, labels, arguments.batch),
            }
            if arguments.live and name == "kd":
                sides["kd, live teacher"] = _step(
                    _student(), LiveLessons(views, teacher.reader()).epoch(0), objective, labels, arguments.batch
                )
            for measured, row in _measure(sides, arguments.steps).items():
                target = TARGETS.get(SECTIONS[name].compares) if measured == name else None
                rows.append({"loss": measured, **row, "target": target})
                verdict = "" if target is None else f"  target {target:.2f} {'met' if row['ratio'] <= target else 'missed'}"
                print(
                    f"{measured:<20}{row['milliseconds']:>8.2f} ms a step beside {row['label_milliseconds']:.2f}{row['ratio']:>7.3f} x"
                    f" (least times {row['least_ratio']:.3f}){verdict}",
                    flush=True,
                )
    if arguments.csv:
        with arguments.csv.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _measure(sides: dict[str, Callable[[], float]], steps: int) -> dict[str, dict[str, float]]:
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(steps + WARM):
        for name, step in sides.items():
            started = time.perf_counter()
            step()
            if number >= WARM:
                seconds[name].append(time.perf_counter() - started)
    base = seconds.pop("labels")
    return {
        name: {
            "milliseconds": round(1e3 * statistics.median(values), 3),
            "label_milliseconds": round(1e3 * statistics.median(base), 3),
            "ratio": round(statistics.median(a / b for a, b in zip(values, base, strict=True)), 4),
            "least_ratio": round(min(values) / min(base), 4),
        }
        for name, values in seconds.items()
    }


def _student() -> object:
    return nets.build("ds_cnn", keras3(), SHAPE, CLASSES, width=32, depth=3)


def _step(model: object, inputs: EpochInputs, objective: Objective, labels: np.ndarray, batch: int) -> Callable[[], float]:
    """One training step on a random batch, as the trainer does it."""
    optimizer = build_optimizer(keras3(), Training(), trained_variables(model, objective))
    train_step = compile_step(model, optimizer, objective)
    rng = np.random.default_rng(0)

    def step() -> float:
        chosen = rng.integers(0, SAMPLES, batch)
        x = inputs.x[chosen]
        return float(train_step(x, labels[chosen], chosen, np.float32(0), inputs.teacher(x, chosen), np.float32(1e-3)))

    return step


if __name__ == "__main__":
    main()
