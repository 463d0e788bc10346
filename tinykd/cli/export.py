"""`tinykd export`: an int8 model as C, with its memory report."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.cli.options import memory_options, target_options

EXAMPLES = """\b
Examples:
  tinykd export runs/digits --target cortex-m
  tinykd export model.tflite --target m7 --flash 512KiB --ram 128KiB
  tinykd export model.tflite --single-file --out vendor/
  tinykd export model.tflite --format c-array --out vendor/

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. No TensorFlow is needed.
Exit codes: 3 over budget, 5 unsupported model.
"""


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@memory_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write; the run's export/ by default.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "c-array"]),
    default="tree",
    show_default=True,
    help="C source, or the .tflite as an array.",
)
@click.option("--single-file", is_flag=True, help="One .c and one .h instead of the tree.")
@click.option("--build/--no-build", default=True, show_default=True, help="Link the firmware to measure code and stack.")
def command(
    source: Path | None,
    target: str | None,
    rounding: str | None,
    optimize: str | None,
    without: tuple[str, ...],
    also: tuple[str, ...],
    io: str | None,
    arena: str | None,
    plan_seconds: float | None,
    flash: str | None,
    ram: str | None,
    toolchain: str,
    name: str | None,
    as_json: bool,
    out: Path | None,
    form: str,
    single_file: bool,
    build: bool,
) -> None:
    """Compile a run or a .tflite to dependency-free C and check its memory against the budget."""
    from tinykd.deploy.export import export, export_array, export_single_file
    from tinykd.deploy.firmware import check_budget, measured
    from tinykd.deploy.memory import memory_report
    from tinykd.deploy.record import record_memory
    from tinykd.deploy.source import newest_run, open_source, settings_of, with_budget
    from tinykd.report.text import memory_text

    opened = with_budget(open_source(source or newest_run(), name), flash, ram)
    settings = settings_of(opened, target, rounding, optimize, without, also, io, arena, plan_seconds)
    if form == "c-array" or single_file:
        folder = out or opened.folder.parent / ("c-array" if form == "c-array" else "single-file")
        written = export_array(opened, folder) if form == "c-array" else export_single_file(opened, settings, folder)
        click.echo("\n".join(str(path) for path in written))
        return
    exported = export(opened, settings, out)
    memory = measured(exported, toolchain)[0] if build else memory_report(exported, None)
    record_memory(exported, memory)
    if as_json:
        click.echo(memory.model_dump_json(indent=2))
    else:
        click.echo(memory_text(memory))
        click.echo(f"written to {exported.folder}/ ({len(exported.files)} files); prove it with: tinykd verify {exported.folder}")
    check_budget(memory)
