"""One row and seed of the comparison: train, evaluate, one JSON file; what is there is not trained again."""

from __future__ import annotations

import functools
import io
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from task import LABELS, ONLINE, OWN_TEACHERS, UNLABELLED, Budget, loaded, on_unlabelled, recipe, unlabelled

from tinykd import data
from tinykd.distill.evaluation import accuracy, agreement, predictive_kl
from tinykd.distill.pipeline import Pipeline
from tinykd.distill.preflight import check_recipe
from tinykd.distill.progress import QuietProgress
from tinykd.run import RunDirectory, file_hash, write_atomically

DATA_SEED = 0
"""Which images train and which validate is the same for all seeds: these draw weights, order and views."""


def teacher_file(out: Path, data_dir: Path | None, epochs: int, views: int) -> Path:
    """ResNet-8 trained on the whole training split."""
    described = recipe(LABELS, Budget(45_000, epochs, views), DATA_SEED)
    pipeline = Pipeline(described, data.load(described.data, DATA_SEED, data_dir), RunDirectory(out / "teacher"), QuietProgress())
    pipeline.teacher()
    return out / "teacher" / "teacher.keras"


def measured(out: Path, name: str, seed: int, budget: Budget, teacher: Path, kind: str, data_dir: Path | None) -> Mapping[str, Any]:
    """Train one row. Values: name, seed, accuracy and fidelity on the test split, seconds of processor time."""
    result = out / "results" / f"{name}-{seed}.json"
    if result.exists():
        found: dict[str, Any] = json.loads(result.read_text())
        return found
    described = recipe(name, budget, seed)
    given = None if name in (*ONLINE, *OWN_TEACHERS) else teacher
    described = described.model_copy(update={"teacher": described.teacher.model_copy(update={"outputs": kind if given else "logits"})})
    if name == UNLABELLED:
        file = out / "unlabelled.npz"
        if not file.exists():
            buffer = io.BytesIO()
            np.savez(buffer, x=unlabelled(data_dir, DATA_SEED, budget.samples))
            write_atomically(file, buffer.getvalue())
        described = on_unlabelled(described, file, budget)
    check_recipe(described, given)
    images = _images(data_dir, budget.samples)
    folder = out / f"{name}-{seed}"
    started = time.process_time()
    pipeline = Pipeline(described, images, RunDirectory(folder), QuietProgress(), given)
    pipeline.teacher()
    if name == LABELS:
        pipeline.baseline()
        seconds = time.process_time() - started
        outputs = pipeline.teaching.outputs()
    else:
        pipeline.student()
        seconds = time.process_time() - started
        outputs = pipeline.scheme.tutor.outputs() if name not in ONLINE else pipeline.teaching.outputs()
    stage = "baseline" if name == LABELS else "student"
    with np.load(folder / "predictions" / f"{stage}.npz", allow_pickle=False) as archive:
        student = archive["test"]
    values = {
        "name": name,
        "seed": seed,
        "accuracy": accuracy(student, images.test.y),
        "agreement": agreement(outputs.test, student),
        "kl": predictive_kl(outputs.test, student),
        "teacher_accuracy": accuracy(outputs.test, images.test.y),
        "seconds": seconds,
        "samples": budget.samples,
        "epochs": budget.epochs,
        "views": budget.views,
        "teacher": file_hash(teacher)[:12] if given else "its own",
    }
    write_atomically(result, json.dumps(values, indent=1).encode())
    shutil.rmtree(folder)
    return values


@functools.cache
def _images(data_dir: Path | None, samples: int) -> data.Dataset:
    """Decoding 60,000 files takes longer than a short training."""
    return loaded(data_dir, DATA_SEED, samples)
