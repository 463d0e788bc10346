"""Profile: the instructions of every layer in an emulator, exact to one, from the clock between layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tinykd.compile.emit.golden import packed
from tinykd.compile.emit.names import described
from tinykd.compile.emit.stream import chain_name
from tinykd.compile.graph import Array
from tinykd.compile.ops.operator import Call
from tinykd.compile.program import Layer, Program
from tinykd.compile.stream.chain import Chain
from tinykd.deploy.compare import Comparison, unpacked
from tinykd.deploy.export import Exported
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.deploy.reference import reference
from tinykd.errors import ToolError, UsageError
from tinykd.report.profile import Profile, ProfiledLayer
from tinykd.target.emulator.find import find_emulator
from tinykd.target.floors import Kind, floor
from tinykd.target.serve import Session

OUTSIDE = -1
"""The tensor of marks that stand around the inference, not after a layer."""


def profile(exported: Exported, inputs: Sequence[Array], *, toolchain: str = "auto", emulator: str = "auto") -> Profile:
    """Run one inference of an image that reads the clock between layers.

    A mark is a call after each layer; what it costs is measured by two in a row and taken off. What remains is the layer, its call
    and the few instructions that load a mark's arguments.

    Args:
        inputs: one array for each input of the model.

    Raises:
        UsageError: nothing counts the target's instructions.
        ToolError: toolchain or emulator missing or failed.
    """
    machine = find_emulator(exported.target, emulator)
    tick = machine.tick(exported.target)
    if tick is None:
        raise UsageError(f"nothing counts instructions on {exported.target.name}", "choose a target with an emulator: --target m4")
    image = build_firmware(exported, physical_memory(exported), toolchain, readings=tick.numerator)
    (inference,) = Session(machine, image).run_inputs([packed(inputs)]).inferences
    program = exported.program
    counts, rest = _instructions(inference.marks, tick)
    total = sum(counts.values()) + rest
    layers = _steps(exported, counts, total)
    return Profile(
        model=program.graph.name,
        model_sha256=program.graph.model_sha256,
        target=exported.target.name,
        emulator=f"{machine.name} {machine.version}".strip(),
        toolchain=image.toolchain,
        optimize=exported.settings.optimize,
        rounding=exported.settings.rounding,
        instructions=total,
        macs=program.macs,
        instructions_per_mac=total / program.macs if program.macs else None,
        floor=sum(layer.floor for layer in layers),
        exact=_exact(exported, inputs, inference.outputs),
        layers=layers,
    )


def _instructions(marks: Sequence[tuple[int, int]], tick: Fraction) -> tuple[Mapping[int, int], int]:
    """Instructions by tensor at whose marks they ended, and those after the last. A tensor of a chain has a mark a row.

    Raises:
        ToolError: the marks are not those of one inference.
    """
    if len(marks) < 3 or [tensor for tensor, _ in (*marks[:2], marks[-1])] != [OUTSIDE] * 3:
        raise ToolError("the firmware did not mark its layers", "export and build again with this version")
    spent = [clock // tick.denominator for _, clock in marks]
    cost, rest = spent[1], spent[-1]
    counts = Counter[int]()
    for (tensor, _), count in zip(marks[2:-1], spent[2:-1]):
        counts[tensor] += count - cost
    return counts, rest - cost


def _steps(exported: Exported, counts: Mapping[int, int], total: int) -> tuple[ProfiledLayer, ...]:
    """A row for each layer that computes, and for each chain one with its layers inside."""
    schedule, program = exported.plan.schedule, exported.program
    chains, steps = dict[Chain, list[ProfiledLayer]](), list[ProfiledLayer]()
    for layer in program.layers:
        if not isinstance(layer.call, Call):
            continue
        row, chain = _profiled(exported, layer, counts, total), schedule.chain_at(layer.index)
        if chain is None:
            steps.append(row)
            continue
        chains.setdefault(chain, []).append(row)
        if layer.index == chain.last:
            steps.append(_chained(exported, chain, chains[chain]))
    return tuple(steps)


def _profiled(exported: Exported, layer: Layer, counts: Mapping[int, int], total: int) -> ProfiledLayer:
    assert isinstance(layer.call, Call)
    program, instructions = exported.program, sum(counts.get(index, 0) for index in layer.op.outputs)
    return ProfiledLayer(
        index=layer.index,
        operator=layer.op.kind,
        name=program.tensor(layer.op.subject).name,
        kernel=layer.call.function,
        shape=f"{_shape(program, layer.passed[:1])} -> {_shape(program, layer.op.outputs[:1])}",
        macs=layer.macs,
        outputs=_outputs(program, layer),
        instructions=instructions,
        instructions_per_mac=instructions / layer.macs if layer.macs else None,
        share=instructions / total if total else 0.0,
        floor=_floor(program, layer, exported.target.core.name),
    )


def _chained(exported: Exported, chain: Chain, members: Sequence[ProfiledLayer]) -> ProfiledLayer:
    instructions, macs = sum(one.instructions for one in members), sum(one.macs for one in members)
    program = exported.program
    return ProfiledLayer(
        index=chain.first,
        operator="chain",
        name=program.tensor(chain.output).name,
        kernel=f"{chain_name(chain)}, row by row",
        shape=f"{_shape(program, chain.sources)} -> {_shape(program, (chain.output,))}",
        macs=macs,
        outputs=sum(one.outputs for one in members),
        instructions=instructions,
        instructions_per_mac=instructions / macs if macs else None,
        share=sum(one.share for one in members),
        floor=sum(one.floor for one in members),
        members=tuple(members),
    )


def _shape(program: Program, tensors: Sequence[int]) -> str:
    return ", ".join(described(program.tensor(index)) for index in tensors)


def _outputs(program: Program, layer: Layer) -> int:
    return sum(program.tensor(index).elements for index in layer.op.outputs)


def _floor(program: Program, layer: Layer, core: str) -> int:
    kind, outputs = _kind(program, layer), _outputs(program, layer)
    inputs = sum(program.tensor(index).elements for index in layer.passed)
    return floor(core, kind, layer.macs, max(inputs, outputs) if kind == "elementwise" else outputs)


def _kind(program: Program, layer: Layer) -> Kind:
    if layer.op.kind == "CONV_2D":
        return "pointwise" if program.tensor(layer.op.inputs[1]).shape[1:3] == (1, 1) else "convolution"
    return _KINDS.get(layer.op.kind, "elementwise")


_KINDS: dict[str, Kind] = {"DEPTHWISE_CONV_2D": "depthwise", "FULLY_CONNECTED": "dense"}


def _exact(exported: Exported, inputs: Sequence[Array], outputs: bytes) -> bool:
    graph, comparison = exported.program.graph, Comparison()
    judge = reference(exported.program, exported.source.model)
    judge.reset()
    expected = judge.run(tuple(inputs))
    for index, array in zip(graph.outputs, unpacked(outputs, [graph.tensors[i] for i in graph.outputs])):
        comparison.add(0, index, expected[index], array)
    return comparison.differences == 0
