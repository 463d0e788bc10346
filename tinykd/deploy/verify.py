"""Verify: the firmware in an emulator against the reference, integer for integer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tinykd.compile.emit.golden import packed
from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import View
from tinykd.compile.program import Layer
from tinykd.deploy.compare import Comparison, unpacked
from tinykd.deploy.export import Exported
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.deploy.inputs import random_inputs
from tinykd.deploy.memory import memory_report
from tinykd.deploy.reference import Reference, reference
from tinykd.errors import IntegersDiffer, ToolError, UsageError
from tinykd.report.memory import Budget, Memory
from tinykd.report.verification import LayerDifference, Verification
from tinykd.run import file_hash
from tinykd.target.emulator.find import find_emulator
from tinykd.target.serve import Session

BATCH = 32
"""Inferences of one emulator session: small enough that progress is seen, large enough that starting it costs little."""

RANDOM_SAMPLES = 16
MOST_STORED_SAMPLES = 1000
LOCATED_SAMPLES = 4
"""Samples that are run again layer by layer when an output differs."""


SEQUENCE = 4
"""Inferences from each reset of a model that has states: the sample, then those after it, so that states have a past."""


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


@dataclass(frozen=True, eq=False)
class _Ran:
    """What the runs of one image brought."""

    comparison: Comparison
    instructions: tuple[int, ...]
    answers: tuple[int, ...]
    stack_high_water: int | None
    golden: int
    golden_differing: int


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
    steps = SEQUENCE if exported.program.graph.states else 1
    ran = _run(exported, Session(machine, run_image), judge, vectors.inputs, steps, progress)
    comparison = ran.comparison
    located: Comparison | None = None
    if layers or (comparison.differences and image is None):
        chosen = range(len(vectors.inputs)) if layers else _differing(comparison)
        traced = Session(machine, build_firmware(exported, physical_memory(exported), toolchain, trace=True))
        located = _run_layers(exported, traced, judge, vectors.inputs, chosen, steps, progress)
    memory = memory_report(exported, built, ran.stack_high_water)
    if memory.stack_bytes and ran.stack_high_water is not None and ran.stack_high_water > memory.stack_bytes:
        raise ToolError(
            f"the stack reached {ran.stack_high_water} bytes, more than the worst case of {memory.stack_bytes} that was computed",
            "report it with the model: the stack analysis is wrong",
        )
    whole = located if layers and located is not None else Comparison()
    macs, instructions = exported.program.macs, round(float(np.mean(ran.instructions))) if ran.instructions else 0
    verification = Verification(
        target=exported.target.name,
        emulator=f"{machine.name} {machine.version}".strip(),
        toolchain=built.toolchain,
        samples=len(vectors.inputs),
        compared=comparison.compared + whole.compared,
        differences=comparison.differences + whole.differences + ran.golden_differing,
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
        golden=ran.golden,
        golden_differences=ran.golden_differing,
        layers_compared=len(_computing(exported)) if layers else 0,
        accuracy=None if vectors.labels is None else float(np.mean(np.array(ran.answers) == vectors.labels)),
        image_sha256=file_hash(run_image.elf),
        mismatches=_mismatches(exported, located if located is not None and located.differences else comparison),
    )
    return verification, memory


def _limits(exported: Exported) -> Budget:
    """The budget that was set; a bare model without one may use the whole board, for its integers are what is in question."""
    whole = physical_memory(exported)
    return Budget(flash_bytes=exported.source.flash_bytes or whole.flash_bytes, ram_bytes=exported.source.ram_bytes or whole.ram_bytes)


def check(verification: Verification) -> None:
    """Raise IntegersDiffer if any integer differs."""
    if verification.differences:
        where = verification.mismatches[0] if verification.mismatches else None
        place = f", first in layer {where.index} {where.operator} '{where.name}'" if where else ", in the firmware's golden vectors"
        raise IntegersDiffer(
            f"{verification.differences} of {verification.compared} integers differ from {verification.reference}{place}",
            "do not flash this image; report the model if you did not change the generated files",
        )


def _differing(comparison: Comparison) -> list[int]:
    samples = {tally.first[0] for tally in comparison.tallies.values() if tally.first is not None}
    return sorted(samples)[:LOCATED_SAMPLES]


def _sequence(inputs: Sequence[tuple[Array, ...]], sample: int, steps: int) -> list[tuple[Array, ...]]:
    """What is fed from the reset before `sample` to the next reset: the sample first."""
    return [inputs[(sample + step) % len(inputs)] for step in range(steps)]


def _run(
    exported: Exported,
    session: Session,
    judge: Reference,
    inputs: Sequence[tuple[Array, ...]],
    steps: int,
    progress: Callable[[int], None],
) -> _Ran:
    graph = exported.program.graph
    results = [graph.tensors[i] for i in graph.outputs]
    comparison, instructions, answers = Comparison(), list[int](), list[int]()
    high_water: int | None = None
    golden = differing = 0
    for start in range(0, len(inputs), BATCH):
        batch = range(start, min(start + BATCH, len(inputs)))
        fed = [one for sample in batch for one in _sequence(inputs, sample, steps)]
        served = session.run_inputs([packed(one) for one in fed], resets=_resets(fed, steps))
        golden, differing = served.golden.vectors, max(differing, served.golden.differing)
        high_water = max(high_water or 0, served.stack_high_water) if served.stack_high_water is not None else high_water
        for position, (one, inference) in enumerate(zip(fed, served.inferences)):
            if position % steps == 0:
                judge.reset()
            expected = judge.run(one)
            computed = unpacked(inference.outputs, results)
            for index, array in zip(graph.outputs, computed):
                comparison.add(batch[position // steps], index, expected[index], array)
            if position % steps == 0:
                answers.append(int(computed[0].argmax()))
            if inference.instructions is not None:
                instructions.append(inference.instructions)
        progress(len(batch))
    return _Ran(comparison, tuple(instructions), tuple(answers), high_water, golden, differing)


def _computing(exported: Exported) -> tuple[Layer, ...]:
    return tuple(layer for layer in exported.program.layers if not isinstance(layer.call, View))


def _resets(fed: Sequence[tuple[Array, ...]], steps: int) -> range:
    """Before which inferences the state is reset; without states (one step) never."""
    return range(0, len(fed) if steps > 1 else 0, steps)


def _run_layers(
    exported: Exported,
    session: Session,
    judge: Reference,
    inputs: Sequence[tuple[Array, ...]],
    chosen: Sequence[int],
    steps: int,
    progress: Callable[[int], None],
) -> Comparison:
    graph = exported.program.graph
    wanted = sum(len(layer.op.outputs) for layer in _computing(exported))
    comparison = Comparison()
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        fed = [one for sample in batch for one in _sequence(inputs, sample, steps)]
        served = session.run_inputs([packed(one) for one in fed], resets=_resets(fed, steps))
        for position, (one, inference) in enumerate(zip(fed, served.inferences)):
            if position % steps == 0:
                judge.reset()
            expected = judge.run(one)
            if len(inference.trace) != wanted:
                raise IntegersDiffer(f"the firmware sent {len(inference.trace)} tensors of {wanted}", "export and build again")
            for index, data in inference.trace:
                rows, tensor, want = exported.plan.schedule.rows_computed(index), graph.tensors[index], expected[index]
                if rows is not None:
                    tensor, want = replace(tensor, shape=(1, rows, *tensor.shape[2:])), want[:, :rows]
                comparison.add_reduced(batch[position // steps], index, tensor, want, unpacked(data, [tensor])[0])
        progress(len(batch))
    return comparison


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
