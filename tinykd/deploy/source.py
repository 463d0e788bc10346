"""What is exported: a run directory, an exported folder, or a bare `.tflite`."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinykd.compile.graph import Array, Graph
from tinykd.compile.reader import read_model
from tinykd.deploy.interface import integers
from tinykd.errors import DataError, UsageError
from tinykd.recipe.model import Budget, Export
from tinykd.recipe.toml import load_recipe
from tinykd.run import RunDirectory
from tinykd.sizes import parse_size
from tinykd.target.targets import find_target

STUDENT = "student_int8.tflite"
MANIFEST = "export.json"


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs of a one-input model: `inputs` [samples, ...] in its dtype; `labels` [samples] or None."""

    inputs: Array
    labels: Array | None

    def fed_to(self, graph: Graph, count: int) -> list[tuple[Array, ...]]:
        """The first `count` samples, each as the only input of `graph`, whose dtype may be another than the model's own."""
        tensor = graph.tensors[graph.inputs[0]]
        return [(integers(tensor, sample[None]),) for sample in self.inputs[:count]]


@dataclass(frozen=True, eq=False)
class Source:
    """An int8 model and what is known about it.

    Attributes:
        model: bytes of the `.tflite`.
        graph: the model, read and checked.
        folder: where its export goes unless the user says otherwise.
        run: the run that made it, None for a bare `.tflite`.
        settings: target, rounding and optimization, the recipe's or the defaults.
        flash_bytes, ram_bytes: the budget of the recipe, or None where the target's own applies.
    """

    model: bytes
    graph: Graph
    folder: Path
    run: RunDirectory | None
    settings: Export
    flash_bytes: int | None
    ram_bytes: int | None

    def samples(self) -> Samples | None:
        """The test split that the run stored, None for a bare model.

        Raises:
            DataError: the stored samples do not match the model.
        """
        if self.run is None or not self.run.path("test_inputs.npy").exists():
            return None
        path = self.run.path("test_inputs.npy")
        inputs, labels = _load(path), _load(self.run.path("test_labels.npy"))
        tensor = self.graph.tensors[self.graph.inputs[0]]
        if inputs.dtype != tensor.dtype or inputs.shape[1:] != tensor.shape[1:] or len(inputs) != len(labels):
            raise DataError(
                f"{path} holds {inputs.dtype}{list(inputs.shape)} for the input '{tensor.name}' {tensor.dtype}{list(tensor.shape)}",
                "run tinykd distill again",
            )
        return Samples(inputs, labels)


def _load(path: Path) -> Array:
    try:
        value: Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}", "run tinykd distill again") from error
    return value


def open_source(path: Path, name: str | None = None) -> Source:
    """Open a run directory, an exported folder, or a `.tflite`.

    Args:
        name: the C name of the model; its run's or its file's by default.

    Raises:
        UsageError: there is no such thing.
        UnsupportedModel: the model cannot be read.
        RecipeError: the run's recipe is damaged.
    """
    if path.is_dir() and (path / STUDENT).exists():
        return _from_run(path, name)
    if path.is_dir() and (path / MANIFEST).exists():
        return _from_export(path, name)
    if path.is_dir():
        raise UsageError(f"{path} holds neither {STUDENT} nor {MANIFEST}", f"finish the run first: tinykd distill {path.name}")
    data = _bytes(path)
    graph = read_model(data, name or path.stem)
    return Source(data, graph, Path("runs") / path.stem / "export", None, Export(), None, None)


def _from_run(path: Path, name: str | None) -> Source:
    data = _bytes(path / STUDENT)
    recipe = load_recipe(path / "recipe.toml") if (path / "recipe.toml").exists() else None
    budget = recipe.budget if recipe else Budget()
    return Source(
        model=data,
        graph=read_model(data, name or (recipe.name if recipe else path.resolve().name)),
        folder=path / "export",
        run=RunDirectory(path),
        settings=recipe.export if recipe else Export(),
        flash_bytes=parse_size(budget.flash),
        ram_bytes=parse_size(budget.ram),
    )


def _from_export(path: Path, name: str | None) -> Source:
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        model, called = path / str(manifest["model_file"]), str(manifest["model"])
        settings = Export.model_validate({key: manifest[key] for key in Export.model_fields})
        if (path / settings.target).is_file():  # the file of a board of the user's own, of which the export keeps a copy
            settings = settings.model_copy(update={"target": str(path / settings.target)})
        flash, ram = manifest["flash_bytes"], manifest["ram_bytes"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path / MANIFEST} is damaged: {error}", "export the model again") from error
    if model.parent != path:
        raise UsageError(f"{path / MANIFEST} names a model outside its folder", "export the model again")
    run = RunDirectory(path.parent) if (path.parent / STUDENT).exists() else None
    data = _bytes(model)
    return Source(data, read_model(data, name or called), path, run, settings, flash, ram)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}", "give a run directory, an exported folder or a .tflite"
        ) from error


def newest_run(runs: Path = Path("runs")) -> Path:
    """The run in `runs` whose student was written last: what commands work on when nothing is named.

    Raises:
        UsageError: no run has finished.
    """
    students = sorted(runs.glob(f"*/{STUDENT}"), key=lambda path: path.stat().st_mtime)
    if not students:
        raise UsageError(f"no finished run in {runs}/", "name a run directory or a .tflite, or start with: tinykd distill")
    return students[-1].parent


def with_budget(source: Source, flash: str | None, ram: str | None, target: str | None = None) -> Source:
    """`source` with the budget of the command line in place of the recipe's.

    The recipe's budget is for the recipe's target. Another board, named on the command line, has its own; and no board has more than
    its memories.

    Args:
        target: of the command line.
    """
    device = find_target(target or source.settings.target).device
    own = source if device is None or target in (None, source.settings.target) else replace(source, flash_bytes=None, ram_bytes=None)

    def at_most(recipe: int | None, there: int | None) -> int | None:
        return recipe if recipe is None or there is None else min(recipe, there)

    return replace(
        source,
        flash_bytes=parse_size(flash) if flash else at_most(own.flash_bytes, device.flash.bytes if device else None),
        ram_bytes=parse_size(ram) if ram else at_most(own.ram_bytes, device.ram.bytes if device else None),
    )


def settings_of(
    source: Source,
    target: str | None,
    rounding: str | None,
    optimize: str | None,
    without: tuple[str, ...],
    also: tuple[str, ...],
    io: str | None = None,
    arena: str | None = None,
    plan_seconds: float | None = None,
) -> Export:
    """The source's settings with those of the command line on top."""
    banks = None if arena is None else tuple(arena.split(","))
    given = {
        "target": target,
        "rounding": rounding,
        "optimize": optimize,
        "io": io,
        "arena": banks,
        "plan_seconds": plan_seconds,
        "without": without or None,
        "also": also or None,
    }
    return Export.model_validate({**source.settings.model_dump(), **{key: value for key, value in given.items() if value is not None}})
