"""The task on which all methods are compared: CIFAR-10 at a small budget, a DS-CNN taught by a residual network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykd.data import Dataset, Split, load
from tinykd.data.dataset import content_hash
from tinykd.recipe.losses import SECTIONS
from tinykd.recipe.model import Recipe
from tinykd.recipe.schemes import SCHEMES

LABELS = "labels"
"""The row of the student on labels alone."""

STUDENT = {"net": "ds_cnn", "knobs": {"width": [16, 24, 40, 64, 80], "depth": 4, "strides": [2, 1, 2, 1]}}
ASSISTANT = {"net": "ds_cnn", "knobs": {"width": [24, 40, 64, 96, 128], "depth": 4, "strides": [2, 1, 2, 1]}}
SMALL_RESNET = {"net": "resnet8", "knobs": {"width": 8}}

ONLINE = ("mutual", "one", "okddip", "be_your_own_teacher", "born_again")
"""Schemes that make their own teacher out of the student's network."""

OWN_TEACHERS = ("multi_teacher", "gradual")
"""Schemes that have to train their teachers here, on the small budget's samples: narrower residual networks."""

UNLABELLED, UNLABELLED_SAMPLES = "pseudo_labels", 10_000
"""The scheme whose student learns from other images of the training split, their labels unread, for as many steps as the others."""

SCHEME_VALUES: dict[str, dict[str, Any]] = {
    "multi_teacher": {"count": 2},
    "assistant": {"assistants": [ASSISTANT]},
    "gradual": {"anchors": 3},
    "data_free": {"kind": "dafl", "steps": 600, "samples": 10_000},
    "quantized": {"bits": 4},
}
"""What differs from a scheme's defaults, to stay within the budget. `cross_modal` shows the teacher the images as they are, the student at
half the resolution."""


@dataclass(frozen=True)
class Budget:
    """How much of CIFAR-10 and of a machine's time one training gets.

    Attributes:
        samples: Training images, of the 45,000 that validation leaves.
        epochs: Of every student.
        views: Stored augmented views of each image.
    """

    samples: int
    epochs: int
    views: int


def subset(data: Dataset, samples: int) -> Dataset:
    """The first `samples` of the training split, which is shuffled; a tenth as many of validation; the whole test split."""
    train = Split(data.train.x[:samples], data.train.y[:samples])
    validation = Split(data.validation.x[: max(samples // 10, 1000)], data.validation.y[: max(samples // 10, 1000)])
    hashed = content_hash({"train": train, "validation": validation, "test": data.test}, f"{data.name}, {samples} samples")
    return replace(data, train=train, validation=validation, content_hash=hashed)


def loaded(data_dir: Path | None, seed: int, samples: int) -> Dataset:
    """CIFAR-10, of which a part trains."""
    return subset(load(recipe(LABELS, Budget(samples, 1, 0), seed).data, seed, data_dir), samples)


def unlabelled(data_dir: Path | None, seed: int, samples: int) -> NDArray[np.uint8]:
    """Images that the small budget leaves out."""
    images = load(recipe(LABELS, Budget(samples, 1, 0), seed).data, seed, data_dir).train.x[samples : samples + UNLABELLED_SAMPLES]
    return np.round(images * 255).astype(np.uint8)


def on_unlabelled(described: Recipe, file: Path, budget: Budget) -> Recipe:
    """The recipe with these images, for as many steps as the others have."""
    epochs = max(budget.epochs * budget.samples // UNLABELLED_SAMPLES, 1)
    section = described.distill
    train = section.train.model_copy(update={"epochs": epochs})
    scheme = section.scheme.model_copy(update={"path": str(file)})
    changed = section.model_copy(update={"train": train, "scheme": scheme, "views": epochs})
    return described.model_copy(update={"distill": changed})


def names() -> tuple[str, ...]:
    """Of all rows: labels, every loss, kd beside every loss that compares more than logits, every scheme but offline, which is kd's row."""
    beside = tuple(f"kd+{name}" for name, section in SECTIONS.items() if section.compares == "features")
    return (LABELS, *SECTIONS, *beside, *(name for name in SCHEMES if name not in ("offline", "cross_modal")))


def _loss(part: str) -> dict[str, Any]:
    """`kd@temperature=2` is kd with that one value changed."""
    name, *values = part.split("@")
    return {"name": name, **{key: float(value) for key, _, value in (each.partition("=") for each in values)}}


def recipe(name: str, budget: Budget, seed: int) -> Recipe:
    """The recipe of a row: nothing but losses and scheme differs."""
    train = {"epochs": budget.epochs, "batch_size": 128, "learning_rate": 4e-3, "warmup_epochs": 1.0}
    distill: dict[str, Any] = {"views": budget.views, "baseline": name == LABELS, "stored_dtype": "float16", "train": train}
    if name in SCHEMES:
        distill["scheme"] = {"name": name, **SCHEME_VALUES.get(name, {})}
    elif name != LABELS:
        distill["losses"] = [_loss(part) for part in name.split("+")]
    return Recipe.model_validate(
        {
            "name": "methods",
            "seed": seed,
            "data": {"name": "cifar10", "augment": {"shift": 3, "flip": True}},
            "teacher": {**SMALL_RESNET, "train": train} if name in OWN_TEACHERS else {"net": "resnet8", "train": train},
            "student": STUDENT,
            "distill": distill,
        }
    )
