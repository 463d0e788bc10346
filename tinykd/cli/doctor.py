"""`tinykd doctor`: what is installed, and the command that installs the rest."""

from __future__ import annotations

import dataclasses
import json

import click

from tinykd.errors import ToolError
from tinykd.target.inventory import Inventory, take_inventory


@click.command("doctor", epilog="\b\nExamples:\n  tinykd doctor\n  tinykd doctor --json\n")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Find toolchains, emulators and optional packages, and say which one command installs what is missing.

    Exit code 0 if `export` and `verify` work here, else 7.
    """
    inventory = take_inventory()
    if as_json:
        findings = [dataclasses.asdict(finding) for finding in inventory.findings]
        click.echo(json.dumps({"ready": not inventory.lacking, "install": list(inventory.lacking), "findings": findings}, indent=2))
    else:
        _print(inventory)
    context.exit(ToolError.exit_code if inventory.lacking else 0)


def _print(inventory: Inventory) -> None:
    kind = ""
    for finding in inventory.findings:
        if finding.kind != kind:
            kind = finding.kind
            click.echo(click.style(f"{kind}s", bold=True))
        mark = click.style("found  ", fg="green") if finding.version else click.style("missing", fg="yellow")
        click.echo(f"  {mark} {finding.name:<30} {finding.version or '':<20} {finding.purpose}")
        if finding.version is None:
            click.echo(f"          {finding.install}")
    if inventory.lacking:
        click.echo(click.style("export and verify do not work here yet; install: ", fg="red") + " && ".join(inventory.lacking))
    else:
        click.echo(click.style("export and verify work here", fg="green"))
