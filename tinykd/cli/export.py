"""`tinykd export`: an int8 model as C, with its memory report."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from tinykd.cli.options import Choices, memory_options, target_options
from tinykd.cli.verdict import verdict
from tinykd.target.packages.formats import FORMATS

EXAMPLES = """\b
Examples:
  tinykd export runs/digits --target cortex-m
  tinykd export model.tflite --target m7 --flash 512KiB --ram 128KiB
  tinykd export model.tflite --format single-file --out vendor/
  tinykd export model.tflite --format arduino --target cortex-m0plus --out ~/Arduino/libraries
  tinykd export runs/digits --format zephyr --package-version 1.2.0 --out modules/
  tinykd export model.tflite --format c-array --out vendor/

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. No TensorFlow is needed.
Exit codes: 3 over budget, 5 unsupported model.
"""


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@memory_options
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write, or to put a package in; the run's by default."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", *FORMATS, "c-array"]),
    default="tree",
    show_default=True,
    help="The tree that verify proves; the same C as a package, with an example and a README; or the .tflite as an array.",
)
@click.option("--single-file", "form", flag_value="single-file", help="The same as --format single-file.")
@click.option("--package-version", metavar="X.Y.Z", default="1.0.0", show_default=True, help="Version that a package bears.")
@click.option("--package-url", metavar="URL", default="https://example.com/", show_default=True, help="Where you publish the package.")
@click.option("--build/--no-build", default=True, show_default=True, help="Link the firmware to measure code and stack.")
def command(
    source: Path | None,
    chosen: Choices,
    out: Path | None,
    form: str,
    package_version: str,
    package_url: str,
    build: bool,
) -> None:
    """Compile a run or a .tflite to dependency-free C and check its memory against the budget."""
    from tinykd.deploy.export import export
    from tinykd.deploy.firmware import check_budget, measured
    from tinykd.deploy.manifest import record_manifest
    from tinykd.deploy.memory import memory_report
    from tinykd.deploy.package import Publication, check_package, package_of, write_array, write_package
    from tinykd.deploy.record import record_memory
    from tinykd.report.text import memory_text

    opened = chosen.opened(source)
    settings = chosen.settings(opened)
    if form == "c-array":
        files = [str(path) for path in write_array(opened, out or opened.folder.parent / form)]
        click.echo(json.dumps({"files": files}, indent=2) if chosen.as_json else "\n".join(files))
        return
    if form != "tree":
        publication = Publication(package_version, package_url)
        folder = out or opened.folder.parent / form
        check_package(opened.graph.name, form, folder)
        with TemporaryDirectory() as scratch:
            exported = export(opened, settings, Path(scratch) / "tree")
            memory = measured(exported, chosen.toolchain)[0] if build else memory_report(exported, None)
            files = [str(path) for path in write_package(package_of(exported, publication), form, folder)]
        if chosen.as_json:
            click.echo(json.dumps({"files": files, "memory": memory.model_dump(mode="json")}, indent=2))
        else:
            click.echo(memory_text(memory))
            (readme,) = (path for path in files if path.endswith("README.md"))
            click.echo(f"{form} package of {len(files)} files; how to add it and prove it: {readme}")
        with verdict(chosen.as_json):
            check_budget(memory)
        return
    exported = export(opened, settings, out)
    memory, image = measured(exported, chosen.toolchain) if build else (memory_report(exported, None), None)
    record_memory(exported, memory)
    record_manifest(exported, image.elf if image else None)
    if chosen.as_json:
        click.echo(memory.model_dump_json(indent=2))
    else:
        click.echo(memory_text(memory))
        click.echo(f"written to {exported.folder}/ ({len(exported.files)} files); prove it with: tinykd verify {exported.folder}")
    with verdict(chosen.as_json):
        check_budget(memory)
