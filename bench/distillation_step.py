"""What a distillation step costs beside a label-only step of the same student: every loss with stored teacher outputs, and a live teacher.

The student is a DS-CNN of 9306 parameters with maps of 32x32, 16x16 and 8x8, the teacher a ResNet-20; both sides run the trainer's own
compiled step on the trainer's own batches. They take turns, a step of each, and the order turns around each time: whatever else the
machine does, and what one side leaves in the caches, meets both alike. The ratio that counts is the median over turns of the processor
times of two steps side by side: other processes do not add to it. On a quiet machine that of wall-clock times, beside it, is the same.

    python bench/distillation_step.py [--steps 60] [--batch 128] [--threads 1] [--losses kd,hint,attention] [--live] [--csv FILE]
    python bench/distillation_step.py --width 16,32,48,80 --strides 2,2,1,1     a student without maps of 32x32
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinykd import nets
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow
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

SHAPE, CLASSES = (32, 32, 3), 10
STORED, SAMPLES = 1024, 45000
"""Samples in the store, and as many as crd is told to remember: those of CIFAR-10 without the validation split."""
TARGETS = {"logits": 1.10, "features": 1.35}
WARM = 5
"""First steps, which trace and warm up."""

Step = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """Of a step beside a label-only one.

    Attributes:
        loss: Its name.
        milliseconds, label_milliseconds: Medians of processor time, of all threads.
        ratio: Median over turns of processor time over the label-only step's.
        wall_ratio: The same of wall-clock time.
        target: Largest ratio wanted; None where there is none.
    """

    loss: str
    milliseconds: float
    label_milliseconds: float
    ratio: float
    wall_ratio: float
    target: float | None

    def __str__(self) -> str:
        verdict = "" if self.target is None else f"  target {self.target:.2f} {'met' if self.ratio <= self.target else 'missed'}"
        return (
            f"{self.loss:<20}{self.milliseconds:>8.2f} ms a step beside {self.label_milliseconds:.2f}"
            f"{self.ratio:>7.3f} x (wall clock {self.wall_ratio:.3f}){verdict}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1, help="that compute one operation")
    parser.add_argument("--width", type=_numbers, default="32,32,48,64", help="channels of the student's layers")
    parser.add_argument("--strides", type=_numbers, default="1,2,1,2", help="of the student's layers")
    parser.add_argument("--losses", default=",".join(SECTIONS))
    parser.add_argument("--live", action="store_true", help="also measure kd with a live teacher")
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()

    tensorflow().config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tensorflow().config.threading.set_inter_op_parallelism_threads(arguments.threads)
    costs = []
    depth = len(arguments.width) - 1
    build = partial(nets.build, "ds_cnn", keras3(), SHAPE, CLASSES, width=arguments.width, depth=depth, strides=arguments.strides)
    for cost in _costs(build, arguments.losses.split(","), arguments.steps, arguments.batch, arguments.live):
        costs.append(cost)
        print(cost, flush=True)
    if arguments.csv:
        with arguments.csv.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, [field.name for field in fields(Cost)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(cost) for cost in costs)


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _costs(build: Callable[[], Any], losses: Iterable[str], steps: int, batch: int, live: bool) -> Iterator[Cost]:
    seed_everything(0, "bench")
    rng = np.random.default_rng(0)
    x = rng.random((STORED, *SHAPE), dtype=np.float32)
    labels = rng.integers(0, CLASSES, STORED)
    teacher = Teacher(keras_network(nets.build("resnet", keras3(), SHAPE, CLASSES)), "logits", CLASSES, "bench")
    views = Views(x, Augment(), 0, 0, "views")
    with tempfile.TemporaryDirectory() as folder:
        for name in losses:
            student, section = build(), SECTIONS[name]
            objective = distillation_objective(Distill(losses=(section(),)), student, teacher.layers, SAMPLES, teacher.network.model)
            outputs = open_stores(
                Path(folder), {}, objective.teacher_layers, Form(), lambda: Source(teacher.reader, [lambda: x], x[:1], x[:1])
            )
            for term in objective.terms:
                term.loss.prepare([outputs.train[theirs].view(0)[:256] for _, theirs in term.pairs])  # type: ignore[attr-defined]
            label_step = _step(build(), LabelLessons(views).epoch(0), Objective(), labels, batch)
            stored = StoredLessons(views, {theirs: outputs.train[theirs] for theirs in ("logits", *objective.teacher_layers)}).epoch(0)
            yield _cost(name, _step(student, stored, objective, labels, batch), label_step, steps, TARGETS.get(section.compares))
            if live and name == "kd":
                lessons = LiveLessons(views, teacher.reader()).epoch(0)
                yield _cost("kd, live teacher", _step(build(), lessons, objective, labels, batch), label_step, steps, None)


def _cost(name: str, step: Step, label_step: Step, steps: int, target: float | None) -> Cost:
    wall: dict[Step, list[float]] = {step: [], label_step: []}
    processor: dict[Step, list[float]] = {step: [], label_step: []}
    for turn in range(steps + WARM):
        for side in (step, label_step) if turn % 2 else (label_step, step):
            started, started_processor = time.perf_counter(), time.process_time()
            side()
            wall[side].append(time.perf_counter() - started)
            processor[side].append(time.process_time() - started_processor)
    ratio, wall_ratio = (
        statistics.median(a / b for a, b in zip(times[step][WARM:], times[label_step][WARM:], strict=True)) for times in (processor, wall)
    )
    milliseconds, label_milliseconds = (1e3 * statistics.median(processor[side][WARM:]) for side in (step, label_step))
    return Cost(name, round(milliseconds, 3), round(label_milliseconds, 3), round(ratio, 4), round(wall_ratio, 4), target)


def _step(model: Any, inputs: EpochInputs, objective: Objective, labels: np.ndarray, batch: int) -> Step:
    """One training step on a random batch, as the trainer does it."""
    optimizer = build_optimizer(keras3(), Training(), trained_variables(model, objective))
    train_step = compile_step(model, optimizer, objective)
    rng = np.random.default_rng(0)

    def step() -> float:
        chosen = rng.permutation(STORED)[:batch]
        x = inputs.x[chosen]
        return float(train_step(x, labels[chosen], chosen, np.float32(0), inputs.teacher(x, chosen), np.float32(1e-3)))

    return step


if __name__ == "__main__":
    main()
