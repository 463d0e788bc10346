"""`tinykd manifest`: which files made this image, and whether they are still the same."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.cli.options import Choices, target_options
from tinykd.cli.verdict import verdict

EXAMPLES = """\b
Examples:
  tinykd manifest verify runs/digits
  tinykd manifest sign runs/digits --key key.pem
"""


@click.group(name="manifest", epilog=EXAMPLES)
def command() -> None:
    """The chain of hashes from teacher to image: make it, sign it, check it.

    `distill`, `export` and `verify` keep manifest.json up to date in the run and in the export.
    """


@command.command(
    epilog="\b\nExamples:\n  tinykd manifest create runs/digits\n  tinykd manifest create model.tflite --target m4 --json\n\n"
    "SOURCE is a run directory, an exported folder or a .tflite; the newest run by default.\n"
)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the export; the run's export/ by default.")
def create(
    source: Path | None,
    chosen: Choices,
    out: Path | None,
) -> None:
    """Export and build, and write manifest.json into run and export."""
    from tinykd.deploy.export import export
    from tinykd.deploy.firmware import build_device, check_budget, measured
    from tinykd.deploy.manifest import record_manifest, require_measured
    from tinykd.deploy.record import record_memory
    from tinykd.report.manifest import manifest_text, read_manifest
    from tinykd.target.targets import devices

    opened = chosen.opened(source)
    require_measured(opened)
    exported = export(opened, chosen.settings(opened), out)
    memory, image = measured(exported, chosen.toolchain)
    record_memory(exported, memory)
    check_budget(memory)
    device = build_device(exported, chosen.toolchain) if devices(exported.target) else None
    written = record_manifest(exported, image.elf if image else None, device.elf if device else None)
    made = read_manifest(written[-1])
    click.echo(made.model_dump_json(indent=2) if chosen.as_json else manifest_text(made), nl=chosen.as_json)
    if not chosen.as_json:
        click.echo("\n".join(f"written: {path}" for path in written))


@command.command(
    epilog="\b\nExamples:\n  tinykd manifest verify runs/digits\n  tinykd manifest verify runs/digits/export --key key.pub.pem\n"
    "  tinykd manifest verify runs/digits --json\n\nExit code 4 if a link is broken, or with --key if the signature is missing or wrong.\n"
)
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), help="Ed25519 public key (PEM) that must have signed it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines, nothing else.")
def verify(folder: Path | None, key: Path | None, as_json: bool) -> None:
    """Recompute every hash and name the first link that broke.

    FOLDER is a run directory, an exported folder or a manifest.json; the newest run by default.
    """
    from tinykd.deploy.manifest_check import check_manifest, require_unbroken
    from tinykd.deploy.source import newest_run
    from tinykd.report.manifest_check import manifest_check_text

    found = check_manifest(folder or newest_run(), key)
    click.echo(found.model_dump_json(indent=2) if as_json else manifest_check_text(found), nl=as_json)
    with verdict(as_json):
        require_unbroken(found)


@command.command(epilog="\b\nExample:\n  tinykd manifest keys key.pem      # key.pem to keep, key.pub.pem to hand out\n")
@click.argument("key", type=click.Path(path_type=Path, dir_okay=False))
def keys(key: Path) -> None:
    """Make an Ed25519 key pair: KEY and, beside it, KEY with .pub.pem at its end."""
    from tinykd.deploy.signature import make_keys

    public = key.with_name(key.name.removesuffix(".pem") + ".pub.pem")
    make_keys(key, public)
    click.echo(f"{key} signs; keep it secret. {public} checks; hand it out.")


@command.command(epilog="\b\nExample:\n  tinykd manifest sign runs/digits --key key.pem\n")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--key", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Ed25519 private key (PEM).")
def sign(folder: Path | None, key: Path) -> None:
    """Check the chain, then sign manifest.json: a run's and its export's, or an export's alone."""
    from tinykd.deploy.manifest_check import check_manifest, require_unbroken
    from tinykd.deploy.signature import sign_manifest
    from tinykd.deploy.source import newest_run
    from tinykd.report.manifest import FILE

    named = folder or newest_run()
    place = named if named.is_dir() else named.parent
    places = [place, *(path.parent for path in [place / "export" / FILE] if path.exists())]
    for one in places:
        require_unbroken(check_manifest(one))
    for one in places:
        click.echo(f"signed: {sign_manifest(one, key)}")
