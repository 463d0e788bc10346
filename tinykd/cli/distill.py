"""`tinykd distill`: from a recipe to an int8 student and its accuracies."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command(
    name="distill",
    epilog="\b\nExamples:\n  tinykd distill                                  # the recipe digits, into runs/digits\n"
    "  tinykd distill mnist --data-dir data\n"
    "  tinykd distill my.toml --teacher teacher.keras --set distill.losses.0.temperature=2.0\n",
)
@click.argument("recipe", default="digits")
@click.option(
    "--teacher", type=click.Path(path_type=Path), help="Trained teacher: .keras, .h5, SavedModel folder, .tflite, .onnx, or outputs .npz."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder to look in for data before downloading.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Run directory; default runs/RECIPE.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of every random choice; default from the recipe.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value, in TOML syntax; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the report's section distillation as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def command(
    recipe: str,
    teacher: Path | None,
    data_dir: Path | None,
    out: Path | None,
    seed: int | None,
    overrides: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> None:
    """Train teacher, baseline and student, quantize, and evaluate all five networks.

    RECIPE is a shipped name, a .toml file, or a folder that holds a recipe.toml. Interrupted, the same command goes on where it
    stopped and ends with the same result; finished, it prints the result again.
    """
    from tinykd.deploy.manifest import record_run_manifest
    from tinykd.distill.progress import progress_on
    from tinykd.distill.run import distill
    from tinykd.recipe.toml import load_recipe
    from tinykd.report.distillation import Distillation, as_text
    from tinykd.run import RunDirectory

    changes = (*overrides, *(() if seed is None else (f"seed={seed}",)))
    loaded = load_recipe(recipe, changes)
    folder = out or Path("runs") / loaded.name
    section = distill(
        loaded,
        folder,
        command=_again(recipe, teacher, changes),
        progress=progress_on("quiet" if quiet else "auto"),
        data_dir=data_dir,
        teacher_path=teacher,
    )
    record_run_manifest(RunDirectory(folder))
    if as_json:
        import json

        click.echo(json.dumps(section, indent=2, sort_keys=True))
    else:
        click.echo(as_text(Distillation.model_validate(section)))


def _again(recipe: str, teacher: Path | None, changes: tuple[str, ...]) -> str:
    """The command line that makes the same result; where data and run lie does not change it."""
    words = ["tinykd", "distill", recipe]
    words += ["--teacher", str(teacher)] if teacher else []
    for change in changes:
        words += ["--set", change]
    return shlex.join(words)
