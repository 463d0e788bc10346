"""Runs: inferences on a target, compared with the reference integer for integer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tinykd.compile.emit.golden import packed
from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import View
from tinykd.compile.program import Layer
from tinykd.deploy.compare import Comparison, unpacked
from tinykd.deploy.export import Exported
from tinykd.deploy.reference import Reference
from tinykd.errors import IntegersDiffer
from tinykd.target.identity import Identity
from tinykd.target.serve import Served

BATCH = 32
"""Inferences of one emulator session: small enough that progress is seen, large enough that starting it costs little."""

SEQUENCE = 4
"""Inferences from each reset of a model that has states: the sample, then those after it, so that states have a past."""


class Session(Protocol):
    """A firmware that answers: on an emulator (`serve.Session`) or on a board (`board_session.BoardSession`)."""

    def run_inputs(self, inputs: Sequence[bytes], *, resets: Collection[int] = ()) -> Served: ...


@dataclass(frozen=True, eq=False)
class Ran:
    """What the runs of one image brought.

    Attributes:
        instructions: of each inference for which they were counted.
        ticks: of the target's clock, for each inference.
        answers: for each sample, the index of the largest integer of the first output.
        identity: what the firmware said of itself, the last time that it started.
        golden_differing: bytes of the golden vectors that differed when the firmware checked them.
    """

    comparison: Comparison
    instructions: tuple[int, ...]
    ticks: tuple[int, ...]
    answers: tuple[int, ...]
    stack_high_water: int | None
    identity: Identity
    golden_differing: int


def _sequence(inputs: Sequence[tuple[Array, ...]], sample: int, steps: int) -> list[tuple[Array, ...]]:
    """What is fed from the reset before `sample` to the next reset: the sample first."""
    return [inputs[(sample + step) % len(inputs)] for step in range(steps)]


def run_samples(
    exported: Exported,
    session: Session,
    judge: Reference,
    inputs: Sequence[tuple[Array, ...]],
    progress: Callable[[int], None],
) -> Ran:
    """Run every sample, compare every output.

    Args:
        progress: told how many samples have been run since the last call.
    """
    graph, steps = exported.program.graph, _steps(exported)
    results = [graph.tensors[i] for i in graph.outputs]
    comparison, instructions, ticks, answers = Comparison(), list[int](), list[int](), list[int]()
    high_water: int | None = None
    identity: Identity | None = None
    differing = 0
    for start in range(0, len(inputs), BATCH):
        batch = range(start, min(start + BATCH, len(inputs)))
        fed = [one for sample in batch for one in _sequence(inputs, sample, steps)]
        served = session.run_inputs([packed(one) for one in fed], resets=_resets(fed, steps))
        identity, differing = served.identity, max(differing, served.golden.differing)
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
            ticks.append(inference.ticks)
        progress(len(batch))
    assert identity is not None, "no samples"
    return Ran(comparison, tuple(instructions), tuple(ticks), tuple(answers), high_water, identity, differing)


def _steps(exported: Exported) -> int:
    return SEQUENCE if exported.program.graph.states else 1


def computing_layers(exported: Exported) -> tuple[Layer, ...]:
    """The layers that compute something."""
    return tuple(layer for layer in exported.program.layers if not isinstance(layer.call, View))


def _resets(fed: Sequence[tuple[Array, ...]], steps: int) -> range:
    """Before which inferences the state is reset; without states (one step) never."""
    return range(0, len(fed) if steps > 1 else 0, steps)


def run_layers(
    exported: Exported,
    session: Session,
    judge: Reference,
    inputs: Sequence[tuple[Array, ...]],
    chosen: Sequence[int],
    progress: Callable[[int], None],
) -> Comparison:
    """Run the samples `chosen` with an image that sends every layer's outputs, compare all of them.

    Raises:
        IntegersDiffer: the image sent fewer.
    """
    graph, steps = exported.program.graph, _steps(exported)
    wanted = sum(len(layer.op.outputs) for layer in computing_layers(exported))
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
