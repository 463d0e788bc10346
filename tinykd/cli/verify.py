"""`tinykd verify`: the firmware in an emulator, compared integer for integer."""

from __future__ import annotations

from pathlib import Path

import click

from tinykd.cli.options import Choices, memory_options, target_options
from tinykd.cli.verdict import verdict
from tinykd.errors import UsageError

EXAMPLES = """\b
Examples:
  tinykd verify runs/digits
  tinykd verify model.tflite --target m4 --samples 100 --seed 7 --layers
  tinykd verify model.tflite --rounding double --optimize speed --json
  tinykd verify runs/digits --image firmware.elf
  tinykd verify runs/digits --board nucleo-f446re --port /dev/ttyACM0

SOURCE is a run directory, an exported folder or a .tflite; the newest run by default. A run is verified on its test
split, a bare model on seeded random inputs. Exit codes: 3 over budget, 4 integers differ, 5 unsupported model, 7 tools.
"""


@click.command(epilog=EXAMPLES)
@click.argument("source", required=False, type=click.Path(path_type=Path))
@target_options
@memory_options
@click.option("--emulator", type=click.Choice(["auto", "qemu", "unicorn"]), default="auto", show_default=True, help="Which machine.")
@click.option("--samples", type=int, metavar="N", help="Inferences; the test split (at most 1000) or 16 random inputs by default.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random inputs.")
@click.option("--layers", is_flag=True, help="Compare every tensor of every layer, not only the outputs.")
@click.option("--price", "priced", is_flag=True, help="Also run with every layer whole: what row streaming costs.")
@click.option("--image", type=click.Path(path_type=Path, dir_okay=False), help="Run this ELF instead of the one built.")
@click.option("--port", metavar="PORT", help="Verify the board at this serial port (or socket://host:port) instead of an emulator.")
@click.option("--baud", type=click.IntRange(min=1), help="Of the port; the board's own, or 115200, by default.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=10, show_default=True, help="Seconds the board may take to answer.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the export; the run's export/ by default.")
def command(
    source: Path | None,
    chosen: Choices,
    emulator: str,
    samples: int | None,
    seed: int,
    layers: bool,
    priced: bool,
    image: Path | None,
    port: str | None,
    baud: int | None,
    timeout: float,
    out: Path | None,
) -> None:
    """Export, build, run in the emulator or on a board, and compare every integer with the reference."""
    from tinykd.cli.progress import sample_progress
    from tinykd.deploy.board import connect
    from tinykd.deploy.export import export
    from tinykd.deploy.manifest import built_image, record_manifest, refresh_manifest
    from tinykd.deploy.price import price
    from tinykd.deploy.record import record_memory, record_verification
    from tinykd.deploy.verify import check, choose_vectors, verify, verify_board
    from tinykd.report.verification import verification_text

    only_emulated = {"--layers": layers, "--price": priced, "--image": image is not None, "--emulator": emulator != "auto"}
    if port is not None and (refused := [option for option, given in only_emulated.items() if given]):
        raise UsageError(f"{', '.join(refused)} needs an emulator and --port is a board", "run it without --port")
    opened = chosen.opened(source)
    exported = export(opened, chosen.settings(opened), out)
    vectors = choose_vectors(exported, samples, seed)
    with sample_progress("verify", len(vectors.inputs) * (2 if layers else 1), hidden=chosen.as_json) as advance:
        if port is None:
            proof, memory = verify(
                exported, vectors, toolchain=chosen.toolchain, emulator=emulator, layers=layers, image=image, progress=advance
            )
        else:
            with connect(exported, port, baud, timeout) as board:
                proof, memory = verify_board(exported, vectors, board, toolchain=chosen.toolchain, progress=advance)
    if priced:
        proof = proof.model_copy(update={"price": price(exported, vectors.inputs[0], toolchain=chosen.toolchain, emulator=emulator)})
    record_memory(exported, memory)
    record_verification(exported, proof)
    if port is None:
        record_manifest(exported, built_image(exported, proof.image_sha256))
    else:  # a board cannot say which file was flashed
        refresh_manifest(exported)
    click.echo(proof.model_dump_json(indent=2) if chosen.as_json else verification_text(proof), nl=chosen.as_json)
    with verdict(chosen.as_json):
        check(proof)
