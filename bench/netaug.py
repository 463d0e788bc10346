"""What network augmentation is worth on CIFAR-10, alone and with distillation, and what it costs.

The same student, schedule, first weights and order of samples, trained plainly, with soft targets (kd), with network augmentation, and
with both; and with an augmented step every so many steps. A row of the CSV is appended as each training ends, and trainings that are in it
are skipped: stop it whenever you like. Cost is CPU time of the training, which other processes disturb less than the clock does.

    python bench/netaug.py --data-dir FOLDER --teacher TEACHER.h5 --csv netaug.csv [--seeds 0,1,2] [--every 1,2,4] [--threads 1]
    python bench/netaug.py --csv netaug.csv --only-print
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinykd import data, nets
from tinykd.distill.batch_norm import reestimate_batch_norm
from tinykd.distill.checkpoint import EpochRecord
from tinykd.distill.evaluation import accuracy, predictor
from tinykd.distill.keras_modules import keras as keras3
from tinykd.distill.keras_modules import tensorflow
from tinykd.distill.objective import Objective, Term
from tinykd.distill.progress import QuietProgress
from tinykd.distill.seeds import seed_everything
from tinykd.distill.teacher import load_teacher
from tinykd.distill.trainer import EpochInputs, PlainSteps, Trainer
from tinykd.recipe.losses import Kd
from tinykd.recipe.model import Data, Training
from tinykd.recipe.netaug import NetAug
from tinykd.run import RunDirectory

METHODS = ("plain", "kd", "netaug", "netaug+kd")


@dataclass(frozen=True)
class Experiment:
    """One training; together with the command line's student and schedule, what a row of the CSV is about.

    Attributes:
        method: One of `METHODS`.
        every: An augmented step every so many; 0 without augmentation.
        seed: Of first weights, order and draws.
        what: Student, schedule and settings, as JSON.
    """

    method: str
    every: int
    seed: int
    what: str


@dataclass(frozen=True)
class Result:
    """What a training gave: accuracies as fractions, seconds of CPU time and of the clock."""

    parameters: int
    test_accuracy: float
    validation_accuracy: float
    train_accuracy: float
    cpu_seconds: float
    seconds: float


COLUMNS = [field.name for kind in (Experiment, Result) for field in fields(kind)]


def main() -> None:
    """Train what the CSV lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, help="holds cifar10.npz or cifar10_jpeg.npz")
    parser.add_argument("--teacher", type=Path, help="Keras model that gives probabilities")
    parser.add_argument("--teacher-scale", type=float, default=255.0, help="the teacher's inputs over the student's, which are pixel/255")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--every", default="1,2,4", help="of both augmented methods")
    parser.add_argument("--net", default="resnet8")
    parser.add_argument("--knobs", default='{"width": 4}', help="of the net, as JSON")
    parser.add_argument("--train", default="{}", help="of the schedule, as JSON: keys of a recipe's [distill.train]")
    parser.add_argument("--netaug", default="{}", help="as JSON: keys of a recipe's [distill.netaug]")
    parser.add_argument("--kd", default='{"temperature": 4.0, "weight": 0.9}', help="as JSON: keys of the loss kd")
    parser.add_argument("--samples", type=int, default=0, help="of the training split; 0: all")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only-print", action="store_true")
    arguments = parser.parse_args()
    if not arguments.only_print:
        run(arguments)
    show(read(arguments.csv))


def run(arguments: argparse.Namespace) -> None:
    """Every experiment that is not in the CSV, seed by seed."""
    threading = tensorflow().config.threading
    threading.set_intra_op_parallelism_threads(arguments.threads)
    threading.set_inter_op_parallelism_threads(1)
    training = Training.model_validate({"epochs": 20, **json.loads(arguments.train)})
    section = NetAug.model_validate(json.loads(arguments.netaug))
    kd = Kd.model_validate(json.loads(arguments.kd))
    done = {row["experiment"] for row in read(arguments.csv)}
    loaded = data.load(Data(name="cifar10"), 0, arguments.data_dir)
    if arguments.samples:
        loaded = replace(loaded, train=replace(loaded.train, x=loaded.train.x[: arguments.samples], y=loaded.train.y[: arguments.samples]))
    teacher = _Teacher(arguments, loaded)
    what = {"net": arguments.net, "knobs": json.loads(arguments.knobs), "train": training.model_dump(), "samples": len(loaded.train.y)}
    for experiment in experiments(arguments, what, section, kd):
        if experiment in done:
            continue
        result = trained(experiment, arguments, loaded, teacher, training, section, kd)
        append(arguments.csv, experiment, result)
        print(f"{experiment.method} every {experiment.every} seed {experiment.seed}: {asdict(result)}", flush=True)


def experiments(arguments: argparse.Namespace, what: dict[str, Any], section: NetAug, kd: Kd) -> Iterator[Experiment]:
    """All that the command line asks for."""
    for seed in map(int, arguments.seeds.split(",")):
        for method in arguments.methods.split(","):
            extra = {"kd": kd.model_dump()} if "kd" in method else {}
            if "netaug" not in method:
                yield Experiment(method, 0, seed, json.dumps({**what, **extra}, sort_keys=True))
                continue
            extra["netaug"] = section.model_dump(exclude={"every"})
            for every in map(int, arguments.every.split(",")):
                yield Experiment(method, every, seed, json.dumps({**what, **extra}, sort_keys=True))


class _Teacher:
    """Logits of the training split, computed when first asked for."""

    def __init__(self, arguments: argparse.Namespace, loaded: data.Dataset) -> None:
        self._arguments, self._data, self._logits = arguments, loaded, None

    @property
    def logits(self) -> np.ndarray:
        """`[samples, classes]`."""
        if self._logits is None:
            if self._arguments.teacher is None:
                sys.exit("kd needs --teacher")
            network = load_teacher(self._arguments.teacher, "probabilities", self._data.input_shape, self._data.classes, "channels_last")
            scale = np.float32(self._arguments.teacher_scale)
            print(f"teacher: {accuracy(network.logits(self._data.test.x * scale), self._data.test.y):.4f} of the test split", flush=True)
            self._logits = network.logits(self._data.train.x * scale)
        return self._logits


@dataclass(frozen=True)
class _Lessons:
    x: np.ndarray
    logits: np.ndarray | None

    def epoch(self, _: int) -> EpochInputs:
        """The same samples every epoch."""
        logits = self.logits
        return EpochInputs(self.x, lambda _, chosen: {} if logits is None else {"logits": logits[chosen]})


class _Printed(QuietProgress):
    def epoch(self, record: EpochRecord) -> None:
        """To the log."""
        print(
            f"  epoch {record.epoch}: loss {record.loss:.4f} validation {record.validation_accuracy:.4f} {record.seconds:.1f} s", flush=True
        )


def trained(
    experiment: Experiment,
    arguments: argparse.Namespace,
    loaded: data.Dataset,
    teacher: _Teacher,
    training: Training,
    section: NetAug,
    kd: Kd,
) -> Result:
    """Train and evaluate."""
    from tinykd.distill.losses import from_recipe
    from tinykd.distill.netaug.steps import augmented_steps

    seed_everything(experiment.seed, "student")
    student = nets.build(arguments.net, keras3(), loaded.input_shape, loaded.classes, **json.loads(arguments.knobs))
    distilled = "kd" in experiment.method
    objective = Objective(1.0 - kd.weight, 0.0, (Term(kd.weight, from_recipe(kd)),)) if distilled else Objective()
    lessons = _Lessons(loaded.train.x, teacher.logits if distilled else None)
    model, steps = student, PlainSteps()
    if experiment.every:
        chosen = section.model_copy(update={"every": experiment.every})
        steps = augmented_steps(student, chosen, (), experiment.seed, training.epochs)
        model = steps.supernet
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            keras3(), RunDirectory(Path(folder)), "student", "bench", experiment.seed, training, objective, _Printed(), steps=steps
        )
        cpu, clock = time.process_time(), time.perf_counter()
        trainer.fit(model, loaded.train.y, lessons, loaded.validation)
        cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    if experiment.every:
        model.extract()
    reestimate_batch_norm(student, loaded.train.x)
    predict = predictor(student)
    scores = [accuracy(predict(split.x), split.y) for split in (loaded.test, loaded.validation, loaded.train)]
    return Result(int(student.count_params()), *scores, round(cpu, 1), round(clock, 1))


def append(path: Path, experiment: Experiment, result: Result) -> None:
    """One row, at once."""
    fresh = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        writer.writerow((*astuple(experiment), *astuple(result)))


def read(path: Path) -> list[dict[str, Any]]:
    """The rows that are there."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    for row in rows:
        row["experiment"] = Experiment(row["method"], int(row["every"]), int(row["seed"]), row["what"])
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Mean and standard deviation over seeds, gain and cost beside the plain training of the same student and schedule."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["what"], row["method"], int(row["every"])), []).append(row)
    plain = {_basis(what): found for (what, method, _), found in groups.items() if method == "plain"}
    for what in dict.fromkeys(_basis(key[0]) for key in groups):
        print(f"\n{what}\n{'method':<12}{'every':>6}{'seeds':>6}{'test, %':>16}{'gain':>7}{'train, %':>10}{'CPU s':>9}{'cost':>7}")
        for (whole, method, every), found in groups.items():
            if _basis(whole) != what:
                continue
            scores = [100 * float(row["test_accuracy"]) for row in found]
            seconds = statistics.mean(float(row["cpu_seconds"]) for row in found)
            spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
            base = {int(row["seed"]): row for row in plain.get(what, [])}
            pairs = [(row, base[int(row["seed"])]) for row in found if int(row["seed"]) in base]
            gain = (
                statistics.mean(100 * (float(a["test_accuracy"]) - float(b["test_accuracy"])) for a, b in pairs) if pairs else float("nan")
            )
            cost = statistics.mean(float(a["cpu_seconds"]) / float(b["cpu_seconds"]) for a, b in pairs) if pairs else float("nan")
            fitted = 100 * statistics.mean(float(row["train_accuracy"]) for row in found)
            print(
                f"{method:<12}{every or '-':>6}{len(found):>6}{statistics.mean(scores):>9.2f} +-{spread:>5.2f}{gain:>+7.2f}{fitted:>10.2f}"
                f"{seconds:>9.0f}{cost:>7.2f}  {_settings(whole)}"
            )


def _basis(what: str) -> str:
    """Student and schedule."""
    return json.dumps({key: value for key, value in json.loads(what).items() if key not in ("kd", "netaug")}, sort_keys=True)


def _settings(what: str) -> str:
    """What differs from the defaults of kd and netaug."""
    values = json.loads(what)
    plain = json.loads(NetAug().model_dump_json())
    return json.dumps({key: value for key, value in values.get("netaug", {}).items() if value != plain[key]}) if "netaug" in values else ""


if __name__ == "__main__":
    main()
