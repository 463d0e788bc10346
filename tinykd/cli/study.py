"""`tinykd study`: a grid of runs and treatments, as one table and one page."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command(
    name="study",
    epilog="\b\nExamples:\n  tinykd study mnist-sizes --quick                # minutes: does it work, what do the pictures look like\n"
    "  tinykd study mnist-sizes --trials 3 --jobs 4 --data-dir data\n"
    "  tinykd study digits --grid 'distill.losses.0.temperature=[1, 2, 4, 8]' --trials 5\n"
    "  tinykd study my-study.toml --set distill.train.epochs=20\n"
    "  tinykd study mnist-sizes --list                 # what it would run\n\n"
    "Results lie in DIR: study.csv, study.html, plots/, and an ordinary run directory a cell in runs/.\n"
    "docs/studies.md says what a study file may hold.\n",
)
@click.argument("study", default="mnist-sizes")
@click.option("--trials", type=click.IntRange(min=1), help="Seeds of every cell; default from the study.")
@click.option("--jobs", type=click.IntRange(min=1), help="Cells at a time; default the number of cores, at most 8.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads a cell; default cores divided by --jobs.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the study; default studies/STUDY.")
@click.option("--grid", multiple=True, metavar="KEY=[VALUES]", help="Vary one value, in TOML syntax; may be repeated.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one value in every cell; may be repeated.")
@click.option("--treatment", "treatments", multiple=True, metavar="NAME", help="Only this treatment; may be repeated.")
@click.option("--teacher", type=click.Path(path_type=Path), help="Trained teacher for every cell, as in tinykd distill.")
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder to look in for data before downloading.")
@click.option("--quick", is_flag=True, help="Little data and one epoch a training: figures mean nothing, everything else works.")
@click.option("--page", "only_page", is_flag=True, help="Run nothing: table and page of the cells that are finished by now.")
@click.option("--list", "only_list", is_flag=True, help="Print the cells and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows of study.csv as JSON.")
@click.option("--quiet", is_flag=True, help="No progress.")
def command(
    study: str,
    trials: int | None,
    jobs: int | None,
    threads: int | None,
    out: Path | None,
    grid: tuple[str, ...],
    overrides: tuple[str, ...],
    treatments: tuple[str, ...],
    teacher: Path | None,
    data_dir: Path | None,
    quick: bool,
    only_page: bool,
    only_list: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run a recipe over networks, settings, treatments and seeds, and compare.

    STUDY is a shipped study, a study file, or a recipe. Interrupted, the same command goes on; finished cells are not computed
    again. A cell that fails leaves the others alone and is shown at the end; the exit code is then that of its error.
    """
    from tinykd.environment import cores
    from tinykd.study.cells import QUICK, cells_of
    from tinykd.study.file import find_study, varied
    from tinykd.study.plots import require_matplotlib
    from tinykd.study.progress import watcher_on
    from tinykd.study.results import summary_text, write_results
    from tinykd.study.rows import as_json as rows_as_json
    from tinykd.study.run import Outcome, run_cells, stored_rows

    file = varied(find_study(study), trials, grid, treatments)
    cells = cells_of(file, overrides, QUICK if quick else None, teacher)
    if only_list:
        click.echo("\n".join(f"{cell.name}: {', '.join(one.name for one in cell.treatments)}" for cell in cells))
        return 0
    require_matplotlib()
    folder = out or Path("studies") / (f"{file.study.name}-quick" if quick else file.study.name)
    jobs = jobs or min(8, cores())
    if only_page:
        outcomes = [Outcome(cell, stored_rows(folder, cell, teacher)) for cell in cells]
    else:
        watcher = watcher_on("quiet" if quiet else "auto")
        outcomes = run_cells(cells, folder, jobs, threads or max(1, cores() // jobs), watcher, data_dir, teacher)
    rows = write_results(file, outcomes, folder, _again(study, trials, grid, overrides, treatments, teacher, quick))
    if as_json:
        click.echo(rows_as_json(rows))
    else:
        click.echo(summary_text(file, outcomes))
        click.echo(f"\nwritten to {folder / 'study.csv'} and {folder / 'study.html'}")
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        click.echo(click.style("failed: ", fg="red", bold=True) + f"{outcome.cell.name}: {outcome.error}", err=True)
        if outcome.hint:
            click.echo(click.style("  hint: ", fg="yellow") + outcome.hint, err=True)
    return failed[0].exit_code or 1 if failed else 0


def _again(
    study: str,
    trials: int | None,
    grid: tuple[str, ...],
    overrides: tuple[str, ...],
    treatments: tuple[str, ...],
    teacher: Path | None,
    quick: bool,
) -> str:
    """The command line that makes the same results; where they lie and how many run at a time does not change them."""
    words = ["tinykd", "study", study, *(("--trials", str(trials)) if trials else ())]
    for option, values in (("--grid", grid), ("--set", overrides), ("--treatment", treatments)):
        words += [word for value in values for word in (option, value)]
    words += ["--teacher", str(teacher)] if teacher else []
    return shlex.join(words + (["--quick"] if quick else []))
