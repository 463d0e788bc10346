"""What a distillation step costs beside a label-only step of the same student: stored teacher outputs, then a live teacher.

Both sides run the trainer's own compiled step and its own batches, one step of each in turn, so that whatever else the machine does
hits both alike. Prints the medians and their ratio.

    python bench/distillation_step.py [--steps 200] [--batch 128]
"""

from __future__ import annotations

import argparse
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
from tinykd.distill.trainer import EpochInputs, compile_step
from tinykd.distill.views import Views
from tinykd.recipe.model import Augment, Distill, Training

SHAPE, CLASSES, SAMPLES = (28, 28, 1), 10, 4096
TARGET = 1.10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=128)
    arguments = parser.parse_args()

    keras = keras3()
    seed_everything(0, "bench")
    rng = np.random.default_rng(0)
    x = rng.random((SAMPLES, *SHAPE), dtype=np.float32)
    labels = rng.integers(0, CLASSES, SAMPLES)
    teacher = Teacher(keras_network(nets.build("resnet8", keras, SHAPE, CLASSES)), "logits", CLASSES, "bench")
    views = Views(x, Augment(), 0, 0, "views")
    with tempfile.TemporaryDirectory() as folder:
        source = Source(teacher.reader, [lambda: x], x[:1], x[:1])
        stored = open_stores(Path(folder), {}, (), Form(), lambda: source)
        distilled = distillation_objective(Distill(), nets.build("ds_cnn", keras, SHAPE, CLASSES), teacher.layers)
        steps = {
            "labels only": _step(LabelLessons(views).epoch(0), Objective(), labels, arguments.batch),
            "stored teacher outputs": _step(StoredLessons(views, stored.train).epoch(0), distilled, labels, arguments.batch),
            "live teacher": _step(LiveLessons(views, teacher.reader()).epoch(0), distilled, labels, arguments.batch),
        }
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for number in range(arguments.steps + 5):
            for name, step in steps.items():
                started = time.perf_counter()
                step()
                if number >= 5:  # the first ones trace and warm up
                    seconds[name].append(time.perf_counter() - started)
    base = statistics.median(seconds["labels only"])
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"{name:<24}{1e3 * median:>8.2f} ms a step (least {1e3 * min(values):.2f}){median / base:>7.3f} x")
    ratio = statistics.median(seconds["stored teacher outputs"]) / base
    print(f"stored teacher outputs over labels only: {ratio:.3f}, target at most {TARGET:.2f}: {'met' if ratio <= TARGET else 'missed'}")


def _step(inputs: EpochInputs, objective: Objective, labels: np.ndarray, batch: int) -> Callable[[], float]:
    """One training step on a random batch, as the trainer does it, with a student of its own."""
    keras = keras3()
    model = nets.build("ds_cnn", keras, SHAPE, CLASSES, width=32, depth=3)
    train_step = compile_step(model, build_optimizer(keras, Training(), model.trainable_variables), objective)
    rng = np.random.default_rng(0)

    def step() -> float:
        chosen = rng.integers(0, SAMPLES, batch)
        x = inputs.x[chosen]
        return float(train_step(x, labels[chosen], chosen, np.float32(0), inputs.teacher(x, chosen), np.float32(1e-3)))

    return step


if __name__ == "__main__":
    main()
