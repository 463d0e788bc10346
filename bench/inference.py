"""Our table: instructions, RAM and flash of every `.tflite` of a folder, beside TFLite Micro with CMSIS-NN and TinyEngine.

    python bench/inference.py FOLDER [--model mlperf_kws ...] [--target m4 ...] [--optimize speed ...] [--toolchain gcc ...]
                                     [--format text|markdown|json|csv] [--integer-io]

Counts are instructions of one inference in QEMU (`-icount shift=0`), never time: they are the same on any machine. Every row is
verified in the same run: outputs of random inferences on the target against the reference, integer for integer.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from tinykd.deploy.export import export
from tinykd.deploy.source import Source, open_source
from tinykd.deploy.verify import choose_vectors, verify
from tinykd.errors import TinykdError
from tinykd.recipe.model import Export
from tinykd.target.targets import find_target
from tinykd.target.toolchain import find_toolchain

MODELS = ("mlperf_kws", "mlperf_vww", "mlperf_ic", "mlperf_ad", "tinyengine_vww")
TARGETS = ("m0plus", "m3", "m4", "m7", "m33", "m55", "riscv")
LEVELS = ("speed", "balanced", "ram", "size")
SAMPLES = 3


@dataclass(frozen=True)
class Baseline:
    """What others take for one inference of a model.

    Attributes:
        instructions: TFLite Micro with CMSIS-NN, by target.
        arena: its arena in bytes, by target.
        code: its .text and .rodata without the model, in bytes, by target.
        tinyengine: TinyEngine's instructions on the M4; None where it was not measured.
        tinyengine_activations: its activations in bytes.
    """

    instructions: dict[str, int]
    arena: dict[str, int]
    code: dict[str, int]
    tinyengine: int | None = None
    tinyengine_activations: int | None = None


BASELINES: dict[str, Baseline] = {
    "mlperf_kws": Baseline(
        {"m3": 10_545_320, "m4": 7_845_280, "m55": 1_785_313}, {"m4": 22_820, "m55": 27_348}, {"m4": 92_868, "m55": 84_304}
    ),
    "mlperf_vww": Baseline(
        {"m3": 32_083_440, "m4": 24_720_320, "m55": 6_433_531}, {"m4": 100_708, "m55": 100_772}, {"m4": 92_740, "m55": 84_184}
    ),
    "mlperf_ic": Baseline(
        {"m3": 41_757_640, "m4": 29_873_960, "m55": 4_810_500}, {"m4": 54_996, "m55": 55_028}, {"m4": 91_792, "m55": 84_448}
    ),
    "mlperf_ad": Baseline({"m3": 955_960, "m4": 582_320, "m55": 149_969}, {"m4": 2_580, "m55": 9_268}, {"m4": 37_532, "m55": 31_136}),
    "tinyengine_vww": Baseline({"m4": 49_378_280}, {"m4": 219_808}, {"m4": 114_020}, 34_747_920, 93_992),
}
"""TFLite Micro 90b983c with CMSIS-NN 99f736a, arm-none-eabi-gcc 12.2 -O3, only the model's operators linked; TinyEngine 47bb283, the
same compiler. Instructions around Invoke() in qemu-system-arm -icount shift=0, measured once."""


@dataclass(frozen=True)
class Row:
    """One model on one core, built one way.

    Attributes:
        stack_bytes: below `invoke`, itself included, worst case; 0 where it is unknown.
        code_bytes: .text and .rodata without weights: kernels, calls and their parameters, and the program around the model.
        differences: of `compared` integers, those that are not the reference's; 0 is the only good number.
        refused: why there are no figures; empty where there are.
    """

    model: str
    target: str
    optimize: str
    toolchain: str
    macs: int = 0
    instructions: int = 0
    arena_bytes: int = 0
    stack_bytes: int = 0
    code_bytes: int = 0
    weights_bytes: int = 0
    compared: int = 0
    differences: int = 0
    refused: str = ""

    @property
    def baseline(self) -> Baseline:
        return BASELINES.get(self.model, Baseline({}, {}, {}))

    def ratio(self, other: int | None) -> str:
        """Our instructions for one of `other`'s."""
        return f"{self.instructions / other:.2f}" if other and self.instructions else ""

    def verdict(self) -> str:
        return self.refused or ("exact" if self.differences == 0 else f"{self.differences} of {self.compared} DIFFER")


def measure(source: Source, target: str, optimize: str, toolchain: str, also: tuple[str, ...] = ()) -> Row:
    """Export, build, run and compare.

    Args:
        also: passes that do not run by default, by name.
    """
    row = Row(source.graph.name, target, optimize, toolchain)
    try:
        with tempfile.TemporaryDirectory() as name:
            settings = Export.model_validate({"target": target, "optimize": optimize, "also": also})
            exported = export(source, settings, Path(name) / "export")
            proof, memory = verify(exported, choose_vectors(exported, SAMPLES, 0), toolchain=toolchain)
    except TinykdError as error:
        return dataclasses.replace(row, refused=error.message.splitlines()[0])
    return dataclasses.replace(
        row,
        macs=proof.macs,
        instructions=proof.instructions,
        arena_bytes=memory.arena_bytes,
        stack_bytes=memory.model_stack_bytes or 0,
        code_bytes=memory.code_bytes,
        weights_bytes=memory.weights_bytes,
        compared=proof.compared,
        differences=proof.differences,
    )


def rows(
    paths: Sequence[Path], targets: Sequence[str], levels: Sequence[str], toolchains: Sequence[str], also: tuple[str, ...]
) -> Iterator[Row]:
    """Every combination, model by model."""
    for path in paths:
        source = open_source(path)
        for target, optimize, toolchain in product(targets, levels, toolchains):
            yield measure(source, target, optimize, toolchain, also)


HEADINGS = (
    f"{'model':<16}{'target':<8}{'optimize':<10}{'built by':<9}{'instructions':>13}{'/MAC':>7}{'/TFLM':>7}{'/TinyE':>7}"
    f"{'arena':>9}{'/TFLM':>7}{'stack':>7}{'code':>8}{'weights':>9}  outputs"
)


def text(row: Row) -> str:
    """A line of the table."""
    others = row.baseline
    per_mac = f"{row.instructions / row.macs:.2f}" if row.macs else ""
    theirs = others.arena.get(row.target)
    arena = f"{row.arena_bytes / theirs:.2f}" if theirs else ""
    tinyengine = row.ratio(others.tinyengine if row.target == "m4" else None)
    return (
        f"{row.model:<16}{row.target:<8}{row.optimize:<10}{row.toolchain:<9}{row.instructions:>13,}{per_mac:>7}"
        f"{row.ratio(others.instructions.get(row.target)):>7}{tinyengine:>7}{row.arena_bytes:>9,}{arena:>7}"
        f"{row.stack_bytes:>7,}{row.code_bytes:>8,}{row.weights_bytes:>9,}  {row.verdict()}"
    )


def markdown(found: Sequence[Row]) -> str:
    """A table for each core and compiler: instructions by optimization, then memory, each beside the others' figures."""
    pieces = list[str]()
    for target, toolchain in dict.fromkeys((row.target, row.toolchain) for row in found):
        chosen = [row for row in found if (row.target, row.toolchain) == (target, toolchain)]
        levels = list(dict.fromkeys(row.optimize for row in chosen))
        pieces += [
            f"### {find_target(target).core.name}, {toolchain}",
            "",
            *_instructions(chosen, target, levels),
            "",
            *_memory(chosen, target, levels),
            "",
        ]
    bad = [row for row in found if row.verdict() != "exact"]
    compared = sum(row.compared for row in found)
    pieces += [f"{len(found)} builds, {compared:,} integers compared, {sum(row.differences for row in found)} differ."]
    pieces += [f"{row.model} on {row.target}, {row.optimize}, {row.toolchain}: {row.verdict()}" for row in bad]
    return "\n".join(pieces)


def _instructions(chosen: Sequence[Row], target: str, levels: Sequence[str]) -> Iterator[str]:
    yield f"| instructions (per MAC) | TFLite Micro | TinyEngine | {' | '.join(levels)} |"
    yield f"|---|---:|---:|{'---:|' * len(levels)}"
    for model in dict.fromkeys(row.model for row in chosen):
        own = {row.optimize: row for row in chosen if row.model == model}
        others = BASELINES.get(model, Baseline({}, {}, {}))
        cells = (f"{row.instructions:,} ({row.instructions / row.macs:.2f})" if row and row.macs else "" for row in map(own.get, levels))
        tinyengine = others.tinyengine if target == "m4" else None
        yield f"| {model} | {_figure(others.instructions.get(target))} | {_figure(tinyengine)} | {' | '.join(cells)} |"


def _memory(chosen: Sequence[Row], target: str, levels: Sequence[str]) -> Iterator[str]:
    yield f"| arena; code, bytes | TFLite Micro | TinyEngine | {' | '.join(levels)} |"
    yield f"|---|---:|---:|{'---:|' * len(levels)}"
    for model in dict.fromkeys(row.model for row in chosen):
        own = {row.optimize: row for row in chosen if row.model == model}
        others = BASELINES.get(model, Baseline({}, {}, {}))
        theirs = f"{_figure(others.arena.get(target))}; {_figure(others.code.get(target))}" if target in others.arena else ""
        cells = (f"{row.arena_bytes:,}; {row.code_bytes:,}" if row and row.macs else "" for row in map(own.get, levels))
        tinyengine = others.tinyengine_activations if target == "m4" else None
        yield f"| {model} | {theirs} | {_figure(tinyengine)} | {' | '.join(cells)} |"


def _figure(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def table(found: Sequence[Row]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in dataclasses.fields(Row)])
    writer.writeheader()
    writer.writerows(map(dataclasses.asdict, found))
    return out.getvalue()


def main() -> int:
    """Measure and print; 1 if an integer differs anywhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", nargs="+", help=f"stems of files; {', '.join(MODELS)} by default, or whatever the folder holds")
    parser.add_argument("--target", nargs="+", default=list(TARGETS))
    parser.add_argument("--optimize", nargs="+", default=list(LEVELS), choices=LEVELS)
    parser.add_argument("--toolchain", nargs="+", default=["gcc", "zig"], choices=["gcc", "zig"])
    parser.add_argument("--format", default="text", choices=["text", "markdown", "json", "csv"])
    parser.add_argument("--integer-io", action="store_true", help="without the QUANTIZE and DEQUANTIZE at the ends of a float model")
    given = parser.parse_args()
    also = ("integer-io",) if given.integer_io else ()
    there = {path.stem: path for path in sorted(given.folder.glob("*.tflite"))}
    wanted = given.model or [stem for stem in MODELS if stem in there] or list(there)
    missing = [stem for stem in wanted if stem not in there]
    if missing or not wanted:
        parser.error(f"{given.folder} has no {', '.join(missing) or '.tflite'}")
    for target, toolchain in product(given.target, given.toolchain):
        find_toolchain(find_target(target), toolchain)  # what is missing is said before hours of work
    found = list[Row]()
    print(HEADINGS, file=sys.stdout if given.format == "text" else sys.stderr)
    for row in rows([there[stem] for stem in wanted], given.target, given.optimize, given.toolchain, also):
        found.append(row)
        print(text(row), file=sys.stdout if given.format == "text" else sys.stderr, flush=True)
    if given.format == "markdown":
        print(markdown(found))
    if given.format == "csv":
        print(table(found), end="")
    if given.format == "json":
        print(json.dumps([dataclasses.asdict(row) for row in found], indent=2))
    return int(any(row.differences for row in found))


if __name__ == "__main__":
    sys.exit(main())
