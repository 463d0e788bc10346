"""`tinykd diff`: two models, runs or reports side by side."""

from __future__ import annotations

import json
from pathlib import Path

import click

EXAMPLES = """\b
Examples:
  tinykd diff old.tflite new.tflite
  tinykd diff runs/digits runs/digits-wide
  tinykd diff main/report.json report.json --markdown

A and B are two .tflite, two run directories or exported folders, or two report.json. Of models: operators added,
removed and changed, MACs, weights and arena, and which weights differ. Of reports: accuracy, flash, RAM, stack and
instructions. Of runs: both.
"""


@click.command(epilog=EXAMPLES)
@click.argument("a", required=False, type=click.Path(path_type=Path))
@click.argument("b", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True, help="For whom.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Same as --format markdown.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the difference.")
def command(a: Path | None, b: Path | None, form: str, as_json: bool, as_markdown: bool, schema: bool) -> None:
    """Compare two models or two reports."""
    from tinykd.deploy.diff import diff, open_side
    from tinykd.report.difference import Difference, difference_markdown, difference_text

    if schema:
        click.echo(json.dumps(Difference.model_json_schema(mode="serialization"), indent=2))
        return
    if a is None or b is None:
        raise click.UsageError("name two models, two runs or two reports: tinykd diff A B")
    found = diff(open_side(a), open_side(b))
    if as_json or form == "json":
        click.echo(found.model_dump_json(indent=2))
    else:
        click.echo((difference_markdown if as_markdown or form == "markdown" else difference_text)(found), nl=False)
