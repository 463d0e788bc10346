"""`tinykd conformance`: a folder of models, one line each."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinykd.cli.verdict import verdict

EXAMPLES = """\b
Examples:
  tinykd conformance models/
  tinykd conformance models/ --target host --target m0 --target m7

FOLDER holds NAME.tflite files, each with recorded vectors NAME.npz (input{k}_{s}, output{k}_{s}) or without; then
seeded random inputs are used. On the first target every tensor of every layer is compared with LiteRT's reference
kernels, on the others every output. Exit code: 4 if any model shows a defect.
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--target", "targets", multiple=True, default=("host", "m4"), show_default=True, help="Where to run; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(folder: Path, targets: tuple[str, ...], as_json: bool) -> None:
    """Compile and prove every .tflite of a folder."""
    from tinykd.deploy.conformance import conformance
    from tinykd.errors import IntegersDiffer

    defects = 0
    for outcome in conformance(folder, targets):
        defects += outcome.verdict == "defect"
        click.echo(json.dumps(vars(outcome)) if as_json else str(outcome))
    with verdict(as_json):
        if defects:
            raise IntegersDiffer(f"{defects} of the models show a defect", "report them with the lines above")
