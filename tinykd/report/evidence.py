"""Everything that a run keeps about itself, for the report as a page: what is not there is left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinykd.report.confusion import Confusion, read_confusion
from tinykd.report.curves import Curve, read_curves
from tinykd.report.manifest import FILE as MANIFEST
from tinykd.report.manifest import Manifest, read_manifest
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
        manifest=read_manifest(folder / MANIFEST) if (folder / MANIFEST).is_file() else None,
        recipe=recipe.read_text(encoding="utf-8", errors="replace") if recipe.is_file() else "",
    )


def _same(confusion: Confusion, accuracy: float, samples: int) -> bool:
    return confusion.samples == samples and abs(confusion.correct - accuracy * samples) < 0.5
