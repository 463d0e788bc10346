"""Export: an int8 model as a source tree on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinykd import __version__
from tinykd.compile.emit import tree
from tinykd.compile.emit.golden import Golden, packed
from tinykd.compile.emit.library import kernel_library
from tinykd.compile.graph import Array
from tinykd.compile.passes import compile_graph
from tinykd.compile.planner.banks import in_banks
from tinykd.compile.planner.outside import caller_buffers
from tinykd.compile.planner.plan import Plan
from tinykd.compile.planner.streaming import plan_for
from tinykd.compile.program import Program
from tinykd.compile.specialise import specialise
from tinykd.deploy.banks import capacities, linked
from tinykd.deploy.folder import check_folder, write_folder
from tinykd.deploy.inputs import random_inputs
from tinykd.deploy.reference import reference
from tinykd.deploy.source import MANIFEST, Source
from tinykd.recipe.model import Export
from tinykd.target.board_files import is_file
from tinykd.target.features import features
from tinykd.target.firmware import firmware_sources
from tinykd.target.project import project_files
from tinykd.target.targets import Target, devices, find_target

GOLDEN_VECTORS = 16
GOLDEN_BYTES = 2048
"""Flash that golden vectors may take; all of them are in `golden/` in any case."""

OUTSIDE: dict[str, Callable[[Program], frozenset[int]]] = {"arena": lambda _: frozenset(), "outside": caller_buffers}
"""The buffers that the caller of an inference provides, by `--io`."""


@dataclass(frozen=True, eq=False)
class Exported:
    """A source tree on disk and what it was made from."""

    folder: Path
    source: Source
    program: Program
    plan: Plan
    target: Target
    settings: Export
    golden: Golden
    files: tuple[str, ...]


def export(source: Source, settings: Export, folder: Path | None = None) -> Exported:
    """Write the source tree of a model.

    Args:
        settings: target, rounding, optimization.
        folder: where; the source's own folder by default.

    Raises:
        UnsupportedModel: the model holds something no kernel computes.
        UsageError: the folder holds something else than an export.
        ToolError: the disk is full.
    """
    target = find_target(settings.target)
    destination = folder or source.folder
    check_folder(destination, MANIFEST)
    program = specialised(source, settings, target)
    return write_tree(source, settings, program, planned(program, settings, target), destination)


def write_tree(source: Source, settings: Export, program: Program, memory: Plan, destination: Path) -> Exported:
    """Write the source tree of a planned program."""
    target = find_target(settings.target)
    golden = golden_vectors(source, program)
    files: dict[str, str] = tree.model_files(program, memory, kernel_library())
    files |= tree.firmware_files(program, memory, golden.within(GOLDEN_BYTES))
    for runs_on in (target, *devices(target)):
        files |= firmware_sources(runs_on, linked(runs_on, memory))
    files |= project_files(source.graph.name, target, settings.optimize, sorted(files), source.flash_bytes, source.ram_bytes)
    raw = {
        f"{source.graph.name}.tflite": source.model,
        "golden/inputs.bin": b"".join(golden.inputs),
        "golden/outputs.bin": b"".join(golden.outputs),
    }
    if is_file(settings.target):
        raw[Path(settings.target).name] = Path(settings.target).read_bytes()
    encoded = {path: text.encode() for path, text in files.items()}
    write_folder(destination, {**encoded, **raw}, MANIFEST, _manifest(source, settings, program, memory, target))
    return Exported(destination, source, program, memory, target, settings, golden, tuple(sorted({*files, *raw})))


def specialised(source: Source, settings: Export, target: Target) -> Program:
    """The source's program, rewritten and with the kernels of the target's core."""
    program = compile_graph(source.graph, settings.rounding, without=settings.without, with_also=settings.also)
    return specialise(program, features(target, settings.optimize))


def planned(program: Program, settings: Export, target: Target) -> Plan:
    """Where the tensors of `program` lie.

    Raises:
        OverBudget: the banks that were asked for are too small.
    """
    whole = plan_for(program, settings.optimize, OUTSIDE[settings.io](program), settings.plan_seconds)
    banks = capacities(settings, target, whole)
    return in_banks(program, whole, banks, settings.plan_seconds) if banks else whole


def golden_vectors(source: Source, program: Program) -> Golden:
    """Inferences for the self-test: the first test samples of the run, seeded random inputs for a bare model."""
    stored = source.samples()
    if stored is None:
        vectors: Sequence[tuple[Array, ...]] = random_inputs(program.graph, GOLDEN_VECTORS, seed=0)
    else:
        vectors = stored.fed_to(program.graph, GOLDEN_VECTORS)
    judge = reference(program, source.model)
    outputs = list[bytes]()
    for vector in vectors:
        judge.reset()
        computed = judge.run(vector)
        outputs.append(packed([computed[i] for i in program.graph.outputs]))
    return Golden(tuple(packed(vector) for vector in vectors), tuple(outputs))


def _manifest(source: Source, settings: Export, program: Program, memory: Plan, target: Target) -> dict[str, object]:
    return {
        "tinykd": __version__,
        "model": source.graph.name,
        "model_file": f"{source.graph.name}.tflite",
        "model_sha256": source.graph.model_sha256,
        "target": Path(settings.target).name if is_file(settings.target) else target.name,
        "rounding": settings.rounding,
        "optimize": settings.optimize,
        "io": settings.io,
        "arena": list(settings.arena),
        "plan_seconds": settings.plan_seconds,
        "without": list(settings.without),
        "also": list(settings.also),
        "flash_bytes": source.flash_bytes,
        "ram_bytes": source.ram_bytes,
        "arena_bytes": memory.arena_bytes,
        "arena_lower_bound_bytes": memory.lower_bound,
        "macs": program.macs,
    }
