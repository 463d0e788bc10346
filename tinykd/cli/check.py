"""`tinykd check`: a gate for models in a repository."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.cli.verdict import verdict

EXAMPLES = """\b
Examples:
  tinykd check model.tflite --board nucleo-f446re
  tinykd check models/*.tflite --target m4 --flash 256KiB --ram 64KiB
  tinykd check model.tflite --target m0plus --json
  tinykd check model.tflite --board pico --markdown >> "$GITHUB_STEP_SUMMARY"

Each MODEL is a .tflite, a run directory or an exported folder. It is compiled and linked in a temporary folder, nothing is
run. Exit codes: 3 over budget, 5 a model that cannot be compiled. As a pre-commit hook and a GitHub Action: docs/gates.md.
"""


@click.command(epilog=EXAMPLES)
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--target", "--board", metavar="NAME", help="A core, or a board of `tinykd boards`, or its .toml; cortex-m by default.")
@click.option("--optimize", type=click.Choice(["size", "speed", "balanced", "ram"]), help="What code and plan favour.")
@click.option("--flash", metavar="SIZE", help="Flash budget with its unit, e.g. 256KiB; the board's by default.")
@click.option("--ram", metavar="SIZE", help="RAM budget with its unit, e.g. 64KiB; the board's by default.")
@click.option("--toolchain", type=click.Choice(["auto", "gcc", "zig"]), default="auto", show_default=True, help="Which compiler.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print a Markdown table, for a pull request.")
def command(
    models: tuple[Path, ...],
    target: str | None,
    optimize: str | None,
    flash: str | None,
    ram: str | None,
    toolchain: str,
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Hold models against a board's memories or a budget, without an emulator."""
    from tinykd.deploy.check import check_models, require_passed
    from tinykd.report.check import check_markdown, check_text

    found = check_models(models, target, optimize, flash, ram, toolchain)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        click.echo((check_markdown if as_markdown else check_text)(found), nl=False)
    with verdict(as_json):
        require_passed(found)
