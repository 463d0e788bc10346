"""Our table of memory: what every `.tflite` of a folder needs in RAM, beside TFLite Micro and TinyEngine, with proof and price.

    python bench/memory.py FOLDER [--model mlperf_kws ...] [--target m4] [--toolchain gcc] [--integer-io MODEL ...]
                                  [--io outside] [--format text|markdown|json]

Activations are the whole arena: tensors, scratch, inputs and outputs. Each row is built, run in QEMU with RAM fenced at the
image's end, and compared with the reference, integer for integer; instructions are of one inference.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from inference import BASELINES, MODELS, Baseline

from tinykd.deploy.export import export
from tinykd.deploy.source import Source, open_source
from tinykd.deploy.verify import choose_vectors, verify
from tinykd.errors import TinykdError
from tinykd.recipe.model import Export

LEVELS = ("speed", "balanced", "ram")
SAMPLES = 3


@dataclass(frozen=True)
class Row:
    """One model, planned one way.

    Attributes:
        integer_io: float inputs and outputs left off, as TinyEngine does.
        arena_bytes: tensors, scratch, inputs and outputs.
        bound_bytes: no plan of this schedule is smaller.
        scratch_bytes: of the hungriest layer or chain.
        stack_bytes: below `invoke`, itself included, worst case.
        instructions: of one inference.
        differences: of `compared` integers, those that are not the reference's.
        refused: why there are no figures; empty where there are.
    """

    model: str
    optimize: str
    integer_io: bool
    arena_bytes: int = 0
    bound_bytes: int = 0
    proved: bool = False
    scratch_bytes: int = 0
    stack_bytes: int = 0
    instructions: int = 0
    compared: int = 0
    differences: int = 0
    refused: str = ""

    @property
    def baseline(self) -> Baseline:
        return BASELINES.get(self.model, Baseline({}, {}, {}))

    @property
    def name(self) -> str:
        return self.model + (" (integers)" if self.integer_io else "")

    def proof(self) -> str:
        """Whether a smaller plan may exist."""
        return "optimal" if self.proved else f"gap {self.arena_bytes - self.bound_bytes:,}"

    def verdict(self) -> str:
        return self.refused or ("exact" if self.differences == 0 else f"{self.differences} of {self.compared} DIFFER")


def measure(source: Source, target: str, toolchain: str, optimize: str, io: str, integer_io: bool) -> Row:
    """Export, build, run and compare."""
    row = Row(source.graph.name, optimize, integer_io)
    settings = {"target": target, "optimize": optimize, "io": io, "also": ("integer-io",) if integer_io else ()}
    try:
        with tempfile.TemporaryDirectory() as name:
            exported = export(source, Export.model_validate(settings), Path(name) / "export")
            proof, memory = verify(exported, choose_vectors(exported, SAMPLES, 0), toolchain=toolchain)
    except TinykdError as error:
        return dataclasses.replace(row, refused=error.message.splitlines()[0])
    return dataclasses.replace(
        row,
        arena_bytes=memory.arena_bytes,
        bound_bytes=memory.arena_lower_bound_bytes,
        proved=memory.arena_proved_optimal,
        scratch_bytes=max((b.bytes for b in memory.buffers if b.role == "scratch"), default=0),
        stack_bytes=memory.model_stack_bytes or 0,
        instructions=proof.instructions,
        compared=proof.compared,
        differences=proof.differences,
    )


def rows(paths: Sequence[Path], target: str, toolchain: str, io: str, integer_io: Sequence[str]) -> Iterator[Row]:
    """Every model at every level, with integer inputs and outputs too where they are asked for."""
    for path in paths:
        source = open_source(path)
        for integers, optimize in product((False, True) if path.stem in integer_io else (False,), LEVELS):
            yield measure(source, target, toolchain, optimize, io, integers)


HEADINGS = (
    f"{'model':<26}{'optimize':<10}{'arena':>8}{'/TFLM':>7}{'/TinyE':>7}{'bound':>8}  {'proof':<12}"
    f"{'scratch':>8}{'stack':>6}{'instructions':>13}{'price':>8}  outputs"
)


def text(row: Row, fastest: int, target: str) -> str:
    """A line of the table. `fastest`: instructions of the same model at `speed`."""
    theirs, tinyengine = row.baseline.arena.get(target), row.baseline.tinyengine_activations
    return (
        f"{row.name:<26}{row.optimize:<10}{row.arena_bytes:>8,}{_share(row.arena_bytes, theirs):>7}{_share(row.arena_bytes, tinyengine):>7}"
        f"{row.bound_bytes:>8,}  {row.proof():<12}{row.scratch_bytes:>8,}{row.stack_bytes:>6,}{row.instructions:>13,}"
        f"{_price(row, fastest):>8}  {row.verdict()}"
    )


def markdown(found: Sequence[Row], target: str) -> str:
    """One table; instructions beside what they were at `speed`."""
    lines = [
        "| model | optimize | arena | TFLite Micro | TinyEngine | bound | proof | scratch | stack | instructions | price | outputs |",
        "|---|---|---:|---:|---:|---:|---|---:|---:|---:|---:|---|",
    ]
    fastest = _fastest(found)
    for row in found:
        theirs, tinyengine = row.baseline.arena.get(target), row.baseline.tinyengine_activations
        lines.append(
            f"| {row.name} | {row.optimize} | {row.arena_bytes:,} | {_figure(theirs)} | {_figure(tinyengine)} | {row.bound_bytes:,} "
            f"| {row.proof()} | {row.scratch_bytes:,} | {row.stack_bytes:,} | {row.instructions:,} | {_price(row, fastest[row.name])} "
            f"| {row.verdict()} |"
        )
    return "\n".join(lines)


def _fastest(found: Sequence[Row]) -> dict[str, int]:
    return {row.name: row.instructions for row in reversed(found) if row.optimize == "speed"}


def _share(bytes_: int, others: int | None) -> str:
    return f"{bytes_ / others:.2f}" if others else ""


def _price(row: Row, fastest: int) -> str:
    return f"{100 * (row.instructions / fastest - 1):+.1f} %" if fastest and row.instructions else ""


def _figure(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def main() -> int:
    """Measure and print; 1 if an integer differs anywhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", nargs="+", help=f"stems of files; {', '.join(MODELS)} by default, or whatever the folder holds")
    parser.add_argument("--target", default="m4")
    parser.add_argument("--toolchain", default="gcc", choices=["gcc", "zig"])
    parser.add_argument("--io", default="arena", choices=["arena", "outside"])
    parser.add_argument("--integer-io", nargs="+", default=["tinyengine_vww"], metavar="MODEL", help="once more without float inputs")
    parser.add_argument("--format", default="text", choices=["text", "markdown", "json"])
    given = parser.parse_args()
    there = {path.stem: path for path in sorted(given.folder.glob("*.tflite"))}
    wanted = given.model or [stem for stem in MODELS if stem in there] or list(there)
    missing = [stem for stem in wanted if stem not in there]
    if missing or not wanted:
        parser.error(f"{given.folder} has no {', '.join(missing) or '.tflite'}")
    found = list[Row]()
    progress = sys.stdout if given.format == "text" else sys.stderr
    print(HEADINGS, file=progress)
    for row in rows([there[stem] for stem in wanted], given.target, given.toolchain, given.io, given.integer_io):
        found.append(row)
        print(text(row, _fastest(found).get(row.name, 0), given.target), file=progress, flush=True)
    if given.format == "markdown":
        print(markdown(found, given.target))
    if given.format == "json":
        print(json.dumps([dataclasses.asdict(row) for row in found], indent=2))
    return int(any(row.differences for row in found))


if __name__ == "__main__":
    sys.exit(main())
