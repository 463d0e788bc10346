"""The cells of a study: for every point, way of training and seed a recipe, checked before anything runs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinykd import __version__
from tinykd.distill.preflight import check_recipe
from tinykd.errors import RecipeError
from tinykd.recipe.model import Recipe
from tinykd.recipe.toml import load_recipe
from tinykd.run import content_key, file_hash
from tinykd.study.changes import assignments, inline
from tinykd.study.file import OwnTreatment, StudyFile
from tinykd.study.treatments import TRAININGS, TREATMENTS, Training, Treatment

#: What `--quick` sets: small data and one epoch, to see that everything works and what the pictures look like.
QUICK: Mapping[str, Any] = {
    "data.train_limit": 600,
    "data.test_limit": 200,
    "distill.views": 1,
    "teacher.train": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0.0},
    "distill.train": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0.0},
    "prune.train": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0.0},
    "quantize.train": {"epochs": 1, "batch_size": 32, "warmup_epochs": 0.0},
    "quantize.calibration_samples": 64,
}


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        name: Of its folder.
        point: Named network and values of the grid.
        group: Of points that share a panel.
        settings: Values of the grid by dotted key, as TOML.
        training: How the student is trained.
        recipe: Of the run, its seed included.
        treatments: What is measured.
    """

    name: str
    point: str
    group: str
    settings: Mapping[str, str]
    training: str
    recipe: Recipe
    treatments: tuple[Treatment, ...]

    def key(self, teacher: Path | None) -> str:
        """Hash of what the cell's rows depend on; data on disk is taken to stay as it is."""
        given = teacher or _given(self.recipe)
        return content_key(
            recipe=self.recipe.model_dump(mode="json"),
            treatments=[(one.name, one.form) for one in self.treatments],
            teacher=file_hash(given) if given else None,
            version=__version__,
        )


@dataclass(frozen=True)
class _Trained:
    """A way of training and the treatments that measure its student."""

    name: str
    training: Training
    treatments: tuple[Treatment, ...]


def cells_of(
    file: StudyFile, extra: Sequence[str] = (), quick: Mapping[str, Any] | None = None, teacher: Path | None = None
) -> tuple[Cell, ...]:
    """Every cell, in the order in which they are best run: seed by seed, so that a table of all treatments is there early.

    Args:
        file: The study.
        extra: Assignments on top of the study's own; only what defines a treatment is stronger.
        quick: What `--quick` sets; None for the study as it is.
        teacher: Given for every cell, before the recipes' own choice.

    Raises:
        RecipeError: a cell's recipe is wrong, or two cells have the same name.
        UsageError: there is no such teacher.
    """
    study = file.study
    cells = []
    base = load_recipe(file.recipe, [*assignments(study.set), *extra])
    trained = list(_trained(study.treatments))
    for trial, (point, group, changes, settings), one in itertools.product(range(study.trials), list(_points(file)), trained):
        last = {**(quick or {}), **(study.quick if quick is not None else {})}
        # What makes a treatment what it is comes last: --set distill.scheme=mutual leaves `plain` plain.
        changed = [*assignments(study.set), *assignments(changes), *assignments(last), *extra, *assignments(one.training.changes)]
        seed = base.seed + trial
        try:
            recipe = one.training.applied(load_recipe(file.recipe, [*changed, f"seed={seed}"]))
            check_recipe(recipe, teacher or _given(recipe))
        except RecipeError as error:
            raise RecipeError(", ".join(filter(None, (point, one.name))) + f": {error.message}", error.hint) from None
        name = f"{point}.{one.name}.seed{seed}" if point else f"{one.name}.seed{seed}"
        cells.append(Cell(name, point or study.name, group, settings, one.name, recipe, one.treatments))
    names = [cell.name for cell in cells]
    for name in names:
        if names.count(name) > 1:
            raise RecipeError(f"two cells are called {name}", "give every point and every treatment its own name")
    return tuple(cells)


def treatments_of(file: StudyFile) -> tuple[Treatment, ...]:
    """What the study compares, in its order."""
    return tuple(_treatment(own) for own in file.study.treatments)


def _points(file: StudyFile) -> Iterator[tuple[str, str, Mapping[str, Any], Mapping[str, str]]]:
    """Name, group, changes, and the grid's values as text."""
    study = file.study
    points: Sequence[tuple[str, str, Mapping[str, Any]]] = [(one.name, one.group, one.set) for one in study.points] or [("", "", {})]
    for name, group, changes in points:
        for values in itertools.product(*study.grid.values()):
            settings: dict[str, Any] = dict(zip(study.grid, values, strict=True))
            parts = [name, *(f"{_short(key, study.grid)}={_plain(value)}" for key, value in settings.items())]
            shown = {key: inline(value) for key, value in settings.items()}
            yield ",".join(filter(None, parts)), group, {**changes, **settings}, shown


def _short(key: str, keys: Mapping[str, Any]) -> str:
    """The last word of a dotted key, with as many before it as tell it from the others."""
    words = key.split(".")
    for count in range(1, len(words)):
        short = ".".join(words[-count:])
        if sum(other == short or other.endswith(f".{short}") for other in keys) == 1:
            return short
    return key


def _plain(value: Any) -> str:
    """A value as part of a folder's name."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", inline(value)).strip("-") or "empty"


def _treatment(own: OwnTreatment) -> Treatment:
    if own.name in TREATMENTS and own.model_fields_set <= {"name"}:
        return TREATMENTS[own.name]
    if own.set and own.name in TRAININGS:
        raise RecipeError(
            f"treatment {own.name}: a training of that name is known", "give a treatment with values of its own a name of its own"
        )
    if own.training not in TRAININGS:
        raise RecipeError(f"treatment {own.name}: no training is called {own.training}", f"choose one of {', '.join(TRAININGS)}")
    return Treatment(own.name, own.title or own.name, own.name if own.set else own.training, own.form, own.against)


def _trained(treatments: Sequence[OwnTreatment]) -> Iterator[_Trained]:
    found: dict[str, tuple[Training, list[Treatment]]] = {}
    for own in treatments:
        treatment = _treatment(own)
        begins = TRAININGS[own.training if own.set else treatment.training]
        found.setdefault(treatment.training, (replace(begins, changes={**begins.changes, **own.set}), []))[1].append(treatment)
    for name, (training, measured) in found.items():
        yield _Trained(name, training, tuple(measured))


def _given(recipe: Recipe) -> Path | None:
    return Path(recipe.teacher.path).expanduser() if recipe.teacher.path else None
