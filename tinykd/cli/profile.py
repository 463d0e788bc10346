"""`tinykd profile`: the instructions of every layer in the emulator."""

from __future__ import annotations

import json
from pathlib import Path

import click

from tinykd.cli.options import Choices, target_options
from tinykd.cli.verdict import verdict

EXAMPLES = """\b
Examples:
  tinykd profile runs/digits
  tinykd profile model.tflite --target m4 --optimize speed
  tinykd profile model.tflite --target m55 --json > profile.json

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. Counts are instructions of one
inference in the emulator (QEMU -icount), never time; the same model and compiler give the same counts. The floor is the
fewest instructions that such a layer can need on that core. Exit codes: 4 integers differ, 5 unsupported model, 7 tools.
"""


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@click.option("--emulator", type=click.Choice(["auto", "qemu", "unicorn"]), default="auto", show_default=True, help="Which machine.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random input of a bare model.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the export; the run's export/ by default.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of the profile.")
def command(
    source: Path | None,
    chosen: Choices,
    emulator: str,
    seed: int,
    out: Path | None,
    schema: bool,
) -> None:
    """Show what every layer costs in instructions, and its floor."""
    from tinykd.deploy.export import export
    from tinykd.deploy.manifest import refresh_manifest
    from tinykd.deploy.profile import profile
    from tinykd.deploy.record import record_profile
    from tinykd.deploy.verify import choose_vectors
    from tinykd.errors import IntegersDiffer
    from tinykd.report.profile import Profile, profile_text

    if schema:
        click.echo(json.dumps(Profile.model_json_schema(), indent=2))
        return
    opened = chosen.opened(source)
    exported = export(opened, chosen.settings(opened), out)
    found = profile(exported, choose_vectors(exported, 1, seed).inputs[0], toolchain=chosen.toolchain, emulator=emulator)
    record_profile(exported, found)
    refresh_manifest(exported)
    click.echo(found.model_dump_json(indent=2) if chosen.as_json else profile_text(found), nl=chosen.as_json)
    with verdict(chosen.as_json):
        if not found.exact:
            raise IntegersDiffer("the profiled inference is not exact", "`tinykd verify --layers` shows where it differs")
