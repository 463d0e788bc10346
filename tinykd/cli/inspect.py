"""`tinykd inspect`: a model, operator by operator."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinykd.cli.verdict import verdict

EXAMPLES = """\b
Examples:
  tinykd inspect model.tflite
  tinykd inspect runs/digits --rounding double --target m0plus
  tinykd inspect model.tflite --json > model.json

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. Shows shapes, dtypes,
quantization, MACs, weights and memory of each operator, which kernel runs for it on the target's core and why. An operator that tinykd
does not compile is shown in its place with the reason. Exit code: 5 if there is one.
"""


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@click.option("--target", "--board", metavar="NAME", help="Whose kernels to show; the recipe's target, or cortex-m, by default.")
@click.option("--rounding", type=click.Choice(["single", "double"]), help="single equals LiteRT, double equals TFLite Micro.")
@click.option("--without", multiple=True, metavar="PASS", help="Leave a graph rewrite out; may be repeated.")
@click.option("--logits", "also", flag_value="logits", multiple=True, help="Drop a SOFTMAX at the end.")
@click.option("--integer-io", "also", flag_value="integer-io", multiple=True, help="Integers in and out: no QUANTIZE, no DEQUANTIZE.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the inspection.")
def command(
    source: Path | None,
    target: str | None,
    rounding: str | None,
    without: tuple[str, ...],
    also: tuple[str, ...],
    as_json: bool,
    schema: bool,
) -> None:
    """Show what each operator of a model becomes and costs."""
    from tinykd.deploy.inspect import check, inspect
    from tinykd.deploy.source import newest_run, open_source, settings_of
    from tinykd.report.inspection import Inspection, inspection_text
    from tinykd.target.features import features
    from tinykd.target.targets import find_target

    if schema:
        click.echo(json.dumps(Inspection.model_json_schema(), indent=2))
        return
    opened = open_source(source or newest_run())
    settings = settings_of(opened, target, rounding, None, without, also)
    core = features(find_target(settings.target), settings.optimize)
    found = inspect(opened.graph, settings.rounding, features=core, without=settings.without, with_also=settings.also)
    click.echo(found.model_dump_json(indent=2) if as_json else inspection_text(found), nl=as_json)
    with verdict(as_json):
        check(found)
