"""Verify: the firmware in an emulator or on a board against the reference, integer for integer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinykd.compile.graph import Array
from tinykd.deploy.board import Connected
from tinykd.deploy.compare import Comparison
from tinykd.deploy.export import Exported
from tinykd.deploy.firmware import build_device, build_firmware, physical_memory
from tinykd.deploy.inputs import random_inputs
from tinykd.deploy.memory import memory_report
from tinykd.deploy.reference import Reference, reference
from tinykd.deploy.runs import Ran, computing_layers, run_layers, run_samples
from tinykd.errors import IntegersDiffer, ToolError, UsageError
from tinykd.report.memory import Budget, Memory
from tinykd.report.verification import LayerDifference, StandIn, Verification
from tinykd.run import file_hash
from tinykd.target.build import Image
from tinykd.target.emulator.emulator import Emulator
from tinykd.target.emulator.find import find_emulator
from tinykd.target.serve import Session

RANDOM_SAMPLES = 16
MOST_STORED_SAMPLES = 1000
LOCATED_SAMPLES = 4
"""Samples that are run again layer by layer when an output differs."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """What is run: `inputs` one tuple of arrays a sample, `labels` [samples] or None."""

    inputs: Sequence[tuple[Array, ...]]
    labels: Array | None


def choose_vectors(exported: Exported, samples: int | None, seed: int) -> Vectors:
    """The run's test split (at most 1000 samples unless more are asked for), else seeded random inputs.

    Raises:
        UsageError: more samples than the test split holds, or none.
    """
    if samples is not None and samples < 1:
        raise UsageError("--samples must be at least 1")
    stored = exported.source.samples()
    if stored is None:
        return Vectors(random_inputs(exported.program.graph, samples or RANDOM_SAMPLES, seed), None)
    there = len(stored.inputs)
    if samples is not None and samples > there:
        raise UsageError(f"--samples {samples}: the run's test split holds {there}")
    count = samples or min(there, MOST_STORED_SAMPLES)
    return Vectors(stored.fed_to(exported.program.graph, count), None if stored.labels is None else stored.labels[:count])


def verify(
    exported: Exported,
    vectors: Vectors,
    *,
    toolchain: str = "auto",
    emulator: str = "auto",
    layers: bool = False,
    image: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Verification, Memory]:
    """Build the firmware, run it over `vectors`, compare every output.

    Args:
        layers: also compare every tensor of every layer, with an image built to send them.
        image: an ELF to run instead of the one built.
        progress: told how many samples have been run since the last call.

    Raises:
        ToolError: toolchain or emulator missing or failed, or the firmware faulted.
        OverBudget: the image does not fit.
    """
    limits = _limits(exported)
    built = build_firmware(exported, limits, toolchain)
    machine = find_emulator(exported.target, emulator)
    run_image = replace(built, elf=image) if image is not None else built
    if image is not None and not image.is_file():
        raise UsageError(f"no image at {image}")
    judge = reference(exported.program, exported.source.model)
    ran = run_samples(exported, Session(machine, run_image), judge, vectors.inputs, progress)
    comparison = ran.comparison
    located: Comparison | None = None
    if layers or (comparison.differences and image is None):
        chosen = range(len(vectors.inputs)) if layers else _differing(comparison)
        traced = Session(machine, build_firmware(exported, physical_memory(exported), toolchain, trace=True))
        located = run_layers(exported, traced, judge, vectors.inputs, chosen, progress)
    whole = located if layers and located is not None else Comparison()
    verification, memory = _proof(exported, built, judge, vectors, ran)
    found = {
        "emulator": f"{machine.name} {machine.version}".strip(),
        "compared": verification.compared + whole.compared,
        "differences": verification.differences + whole.differences,
        "layers_compared": len(computing_layers(exported)) if layers else 0,
        "stand_in": _stand_in(exported, machine),
        "image_sha256": file_hash(run_image.elf),
        "mismatches": _mismatches(exported, located if located is not None and located.differences else comparison),
    }
    return verification.model_copy(update=found), memory


def verify_board(
    exported: Exported,
    vectors: Vectors,
    board: Connected,
    *,
    toolchain: str = "auto",
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Verification, Memory]:
    """Run a board over `vectors`, compare every output.

    The firmware is built too: its sizes and worst-case stack stand beside what the board measured. Where tinykd has no port for
    the board, they are those of the machine that stands for it.

    Raises:
        ToolError: the board faulted or fell silent, the line is too bad, or no toolchain was found.
        OverBudget: the image does not fit.
    """
    device = exported.target.device
    built = build_device(exported, toolchain) if device and device.ports else build_firmware(exported, _limits(exported), toolchain)
    judge = reference(exported.program, exported.source.model)
    ran = run_samples(exported, board.session, judge, vectors.inputs, progress)
    verification, memory = _proof(exported, built, judge, vectors, ran)
    found = {"emulator": f"none: the board at {board.port}", "board": board.answer(ran)}
    return verification.model_copy(update=found), memory


def _proof(exported: Exported, built: Image, judge: Reference, vectors: Vectors, ran: Ran) -> tuple[Verification, Memory]:
    """What `ran` proves of outputs, and the memory that `built` takes."""
    memory = memory_report(exported, built, ran.stack_high_water)
    if memory.stack_bytes and ran.stack_high_water is not None and ran.stack_high_water > memory.stack_bytes:
        raise ToolError(
            f"the stack reached {ran.stack_high_water} bytes, more than the worst case of {memory.stack_bytes} that was computed",
            "report it with the model: the stack analysis is wrong",
        )
    comparison, macs = ran.comparison, exported.program.macs
    instructions = round(float(np.mean(ran.instructions))) if ran.instructions else 0
    verification = Verification(
        target=exported.target.name,
        emulator="",
        toolchain=built.toolchain,
        samples=len(vectors.inputs),
        compared=comparison.compared,
        differences=comparison.differences + ran.golden_differing,
        instructions=instructions,
        macs=macs,
        arena_bytes=memory.arena_bytes,
        stack_bytes=memory.stack_bytes,
        weights_bytes=memory.weights_bytes,
        code_bytes=memory.code_bytes,
        flash_bytes=memory.flash_bytes,
        ram_bytes=memory.ram_bytes,
        model=exported.source.graph.name,
        model_sha256=exported.source.graph.model_sha256,
        rounding=exported.settings.rounding,
        optimize=exported.settings.optimize,
        reference=judge.name,
        instructions_per_mac=instructions / macs if macs and instructions else None,
        golden=ran.identity.golden.vectors,
        golden_differences=ran.golden_differing,
        constants_intact=ran.identity.intact,
        layers_compared=0,
        accuracy=None if vectors.labels is None else float(np.mean(np.array(ran.answers) == vectors.labels)),
        mismatches=_mismatches(exported, comparison),
    )
    return verification, memory


def _stand_in(exported: Exported, machine: Emulator) -> StandIn | None:
    """What stands for the board that was named, None where the emulator has that very board or only a core was named."""
    target, limits = exported.target, _limits(exported)
    if target.device is None or target.board is None or not target.board.stand_in:
        return None
    name = target.board.stand_in if machine.name == "qemu" else f"{machine.name}'s {target.core.name}"
    return StandIn(machine=name, flash_bytes=limits.flash_bytes, ram_bytes=limits.ram_bytes)


def _limits(exported: Exported) -> Budget:
    """The budget that was set; a bare model without one may use the whole board, for its integers are what is in question."""
    whole = physical_memory(exported)
    return Budget(flash_bytes=exported.source.flash_bytes or whole.flash_bytes, ram_bytes=exported.source.ram_bytes or whole.ram_bytes)


def check(verification: Verification) -> None:
    """Raise IntegersDiffer if any integer differs, or the weights on the target did, though no sample showed it."""
    if verification.differences:
        where = verification.mismatches[0] if verification.mismatches else None
        place = f", first in layer {where.index} {where.operator} '{where.name}'" if where else ", in the firmware's golden vectors"
        raise IntegersDiffer(
            f"{verification.differences} of {verification.compared} integers differ from {verification.reference}{place}",
            "do not flash this image; report the model if you did not change the generated files",
        )
    if not verification.constants_intact:
        raise IntegersDiffer(
            "every integer that was compared agrees, but the weights in the target's memory are not those that were exported",
            "do not flash this image: export and build again",
        )


def _differing(comparison: Comparison) -> list[int]:
    samples = {tally.first[0] for tally in comparison.tallies.values() if tally.first is not None}
    return sorted(samples)[:LOCATED_SAMPLES]


def _mismatches(exported: Exported, comparison: Comparison) -> tuple[LayerDifference, ...]:
    found = []
    for layer in exported.program.layers:
        for index in layer.op.outputs:
            tally = comparison.tallies.get(index)
            if tally is not None and tally.first is not None:
                sample, element, expected, computed = tally.first
                found.append(
                    LayerDifference(
                        index=layer.index,
                        operator=layer.op.kind,
                        name=exported.program.tensor(index).name,
                        differences=tally.differences,
                        elements=tally.elements,
                        first_sample=sample,
                        first_element=element,
                        expected=expected,
                        computed=computed,
                    )
                )
    return tuple(found)
