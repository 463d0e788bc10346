"""The study file: TOML that names a recipe and what to vary; found by path, by shipped name, or made of a bare recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from tinykd.errors import RecipeError
from tinykd.recipe import lines
from tinykd.recipe.parse import parse
from tinykd.recipe.section import PositiveInt, Section
from tinykd.recipe.toml import shipped_recipes
from tinykd.resources import models_folder
from tinykd.study.treatments import DEFAULT, FORMS, TRAININGS, TREATMENTS, Form

FOLDER = "studies"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_=.,-]{0,60}$")]


class Point(Section):
    """One named network, or any other named set of values."""

    name: Name = Field(description="in tables, plots and folders")
    group: str = Field(default="", description="points of a group share a panel of the plots")
    set: dict[str, Any] = Field(default_factory=dict, description="dotted keys of the recipe; a whole table replaces the recipe's")


class OwnTreatment(Section):
    """A treatment by its name in tinykd, or with values of one's own."""

    name: Name = Field(description="a known treatment, or a new name with its training and form")
    title: str = Field(default="", description="in tables and plots; the name by default")
    training: str = Field(default="distilled", description=f"begins as: {', '.join(TRAININGS)}")
    form: Form = Field(default="float", description=f"of the deployed model: {', '.join(FORMS)}")
    against: str = Field(default="plain", description="the treatment that it is compared with")
    set: dict[str, Any] = Field(default_factory=dict, description="dotted keys of the recipe")


class Study(Section):
    """What a study file says."""

    name: Name = Field(default="study", description="of the study and its folder")
    title: str = Field(default="", description="of the page")
    recipe: str = Field(description="shipped name, or .toml file relative to the study file")
    trials: PositiveInt = Field(default=3, description="seeds of every cell: the recipe's, and the next ones")
    set: dict[str, Any] = Field(default_factory=dict, description="dotted keys of the recipe, for every cell")
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]] = Field(
        default_factory=dict, description="dotted keys and their values, all combinations"
    )
    points: tuple[Point, ...] = Field(default=(), description="named networks; each is combined with the grid")
    treatments: tuple[OwnTreatment, ...] = Field(default=tuple(OwnTreatment(name=name) for name in DEFAULT), description="what is compared")
    quick: dict[str, Any] = Field(default_factory=dict, description="dotted keys that --quick sets beside its own")


@dataclass(frozen=True)
class StudyFile:
    """A study and where it was read: its recipe's path is relative to that."""

    study: Study
    recipe: str


def find_study(path_or_name: str) -> StudyFile:
    """The study in a `.toml` file, a shipped one by its name, or the default study of a recipe.

    Raises:
        RecipeError: not found, not TOML, or unknown keys or wrong values, each with file, line and key.
    """
    path = _path(path_or_name)
    if path is None:
        return StudyFile(Study(name=Path(path_or_name).stem, recipe=path_or_name), path_or_name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: {error}", "name a readable file of UTF-8 text") from None
    values = parse(text, str(path))
    if not _is_study(values):
        return StudyFile(Study(name=path.parent.name if path.name == "recipe.toml" else path.stem, recipe=str(path)), str(path))
    study = _checked(values, text, path)
    beside = path.parent / study.recipe
    return StudyFile(study, str(beside) if beside.exists() else study.recipe)


def shipped_studies() -> list[str]:
    """Names of the studies in `models/studies/`, sorted."""
    return sorted(path.stem for path in (models_folder() / FOLDER).glob("*.toml"))


def _path(path_or_name: str) -> Path | None:
    """The file to read; None for the name of a shipped recipe."""
    path = Path(path_or_name)
    if path.is_file():
        return path
    if (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    if path_or_name in shipped_studies():
        return models_folder() / FOLDER / f"{path_or_name}.toml"
    if path_or_name in shipped_recipes():
        return None
    raise RecipeError(
        f"no study or recipe at {path_or_name}",
        f"name a .toml file, a shipped study ({', '.join(shipped_studies())}) or a shipped recipe ({', '.join(shipped_recipes())})",
    )


def _is_study(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("recipe"), str) or bool({"grid", "points", "treatments", "trials"} & set(values))


def _checked(values: dict[str, Any], text: str, path: Path) -> Study:
    stands = lines.key_lines(text)
    try:
        study = Study.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        said = []
        for detail in error.errors(include_url=False):
            key = tuple(detail["loc"])
            line = lines.line_of(stands, key)
            message = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
            said.append(f"{path}{f':{line}' if line else ''}: {'.'.join(map(str, key))}: {message}")
        keys = ", ".join(Study.model_fields)
        raise RecipeError("\n".join(said), f"a study holds {keys}; see docs/studies.md") from None
    for one in study.treatments:
        own = set(one.model_fields_set) - {"name"}
        if one.name not in TREATMENTS and not own:
            raise RecipeError(
                f"{path}: no treatment is called {one.name}", f"known are {', '.join(TREATMENTS)}; a new one needs training, form or set"
            )
    return study


def varied(file: StudyFile, trials: int | None, grid: Sequence[str], treatments: Sequence[str]) -> StudyFile:
    """The study with what the command line says.

    Args:
        file: As found.
        trials: Instead of the study's; None leaves them.
        grid: `key=[values]` in TOML syntax, each beside or instead of the study's.
        treatments: Names of those to keep, or of known ones to take in; none keeps all.

    Raises:
        RecipeError: not an array, or no such treatment.
    """
    study = file.study
    lists = dict(study.grid)
    for assignment in grid:
        key, _, text = assignment.partition("=")
        try:
            values = parse(f"values = {text}").get("values")
        except RecipeError:
            values = None
        if not key.strip() or not isinstance(values, list) or not values:
            raise RecipeError(f"--grid {assignment}: not an array of values", "write for example 'student.knobs.width=[8, 16, 32]'")
        lists[key.strip()] = values
    own = {one.name: one for one in study.treatments}
    unknown = [name for name in treatments if name not in own and name not in TREATMENTS]
    if unknown:
        names = ", ".join(dict.fromkeys((*own, *TREATMENTS)))
        raise RecipeError(f"--treatment {unknown[0]}: there is none", f"choose from {names}")
    kept = tuple(own.get(name, OwnTreatment(name=name)) for name in dict.fromkeys(treatments)) or study.treatments
    return replace(file, study=study.model_copy(update={"trials": trials or study.trials, "grid": lists, "treatments": kept}))
