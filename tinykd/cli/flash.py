"""`tinykd flash`: the checked image onto a board, read back and compared."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.cli.options import Choices, target_options

EXAMPLES = """\b
Examples:
  tinykd flash runs/digits --board nucleo-f446re --dry-run      # what would be done
  tinykd flash runs/digits --board nucleo-f446re
  tinykd flash runs/digits --board pico --method drive
  tinykd flash runs/digits --board nrf52840dk --method pyocd --probe 0668FF --key key.pub.pem

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. The image is built, held against
its budget and its manifest, flashed, and read back. Then prove the board: tinykd verify SOURCE --board NAME --port PORT.
Exit codes: 3 over budget, 4 flash or manifest differ, 7 no tool, no probe, or the tool failed.
"""

METHODS = ("pyocd", "openocd", "probe-rs", "picotool", "bossac", "arduino-cli", "west", "teensy-loader", "esptool", "drive")


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@click.option("--method", type=click.Choice(METHODS), help="Which tool; the first of the board's that is installed by default.")
@click.option("--probe", metavar="UID", default="", help="Serial number of the debug probe, where several are connected.")
@click.option("--port", metavar="PORT", default="", help="Serial port of the bootloader, for bossac, arduino-cli and esptool.")
@click.option("--zephyr-build", metavar="DIR", default="", help="Build folder of a Zephyr application for this board, for west.")
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Flash only what this Ed25519 public key has signed.")
@click.option("--dry-run", is_flag=True, help="Build, check and show the commands; touch no board.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the export; the run's export/ by default.")
def command(
    source: Path | None,
    chosen: Choices,
    method: str | None,
    probe: str,
    port: str,
    zephyr_build: str,
    key: Path | None,
    dry_run: bool,
    out: Path | None,
) -> None:
    """Build for a board, check budget and manifest, flash, read back, compare."""
    import json

    from tinykd.deploy import flash as flashing
    from tinykd.deploy.export import export
    from tinykd.deploy.flash_check import build_checked
    from tinykd.report.flashing import flashed_text

    def say(line: str) -> None:
        click.echo(line, err=True)

    opened = chosen.opened(source)
    exported = export(opened, chosen.settings(opened), out)
    image, board, remarks = build_checked(exported, chosen.toolchain, key)
    for remark in remarks:
        say(remark)
    plan = flashing.plan_flashing(image, board, method, probe, port, zephyr_build)
    if dry_run:
        flashing.write_forms(plan)
        if chosen.as_json:
            shown = {"board": board.name, "method": plan.method, "folder": str(plan.folder), "commands": plan.lines}
            click.echo(json.dumps({**shown, "install": plan.missing}, indent=2))
        else:
            click.echo(f"in {plan.folder}:\n  " + "\n  ".join(plan.lines))
            if plan.missing:
                say(f"not installed: {plan.missing}")
        return
    flashed = flashing.flash(plan, say)
    click.echo(flashed.model_dump_json(indent=2) if chosen.as_json else flashed_text(flashed), nl=chosen.as_json)
