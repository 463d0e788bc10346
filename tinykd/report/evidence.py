"""Everything that a run keeps about itself, for the report as a page: what is not there is left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from tinykd.errors import UsageError
from tinykd.report.confusion import Confusion, read_confusion
from tinykd.report.curves import Curve, read_curves
from tinykd.report.manifest import FILE as MANIFEST
from tinykd.report.manifest import Manifest
from tinykd.report.run import RunReport, open_report

RECIPE = "recipe.toml"


@dataclass(frozen=True)
class Evidence:
    """What the page shows.

    Attributes:
        report: `report.json`, or what an exported folder holds.
        confusion: of the int8 model on the test split.
        curves: of every training.
        manifest: the chain of hashes.
        recipe: the text of `recipe.toml`, empty without one.
    """

    report: RunReport
    confusion: Confusion | None = None
    curves: tuple[Curve, ...] = ()
    manifest: Manifest | None = None
    recipe: str = ""


def open_evidence(path: Path) -> Evidence:
    """Everything about a run directory, an exported folder, or the run that a `report.json` lies in.

    Answers of another int8 model than the report's are left out: a run that was begun anew has them for a while.

    Raises:
        UsageError: there is no report, or a file is damaged.
    """
    report = open_report(path)
    folder = path if path.is_dir() else path.parent
    trained = report.distillation
    confusion = read_confusion(folder, trained.class_names) if trained is not None else None
    if confusion is not None and trained is not None and not _same(confusion, trained.accuracy.int8, trained.samples.test):
        confusion = None
    recipe = folder / RECIPE
    return Evidence(
        report=report,
        confusion=confusion,
        curves=read_curves(folder) if trained is not None else (),
        manifest=_manifest(folder / MANIFEST),
        recipe=recipe.read_text(encoding="utf-8", errors="replace") if recipe.is_file() else "",
    )


def _same(confusion: Confusion, accuracy: float, samples: int) -> bool:
    return confusion.samples == samples and abs(confusion.correct - accuracy * samples) < 0.5


def _manifest(path: Path) -> Manifest | None:
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(
            f"{path} is no manifest: {error.errors()[0]['msg']}", f"make it again: tinykd manifest create {path.parent}"
        ) from error
